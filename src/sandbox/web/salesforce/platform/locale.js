/** The user's locale; here that of the browser. */
export default navigator.language;
