/** The user's time zone; here that of the browser. */
export default Intl.DateTimeFormat().resolvedOptions().timeZone;
