/** The user's locale; here that of the browser. */
const [language = 'en-US'] = Intl.getCanonicalLocales(navigator.language.split('@')[0]);
export default language;
