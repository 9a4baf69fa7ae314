import LOCALE from '@salesforce/i18n/locale';
import TIME_ZONE from '@salesforce/i18n/timeZone';
import UNKNOWN from '@salesforce/label/c.Referral_Error_Unknown';

/** Writes values the reader's way, and errors so that a person can read them. */

const DAY = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeZone: TIME_ZONE });

export function day(time) {
    const moment = new Date(time ?? '');
    return Number.isNaN(moment.valueOf()) ? '' : DAY.format(moment);
}

export function money(amount, currencyCode) {
    try {
        return new Intl.NumberFormat(LOCALE, { style: 'currency', currency: currencyCode }).format(amount);
    } catch {
        // A currency that is none must not hide the rest of the card.
        return `${amount} ${currencyCode ?? ''}`.trim();
    }
}

/** Labels hold {0}, {1}: a translation may put them in another order. */
export function fill(label, ...values) {
    return values.reduce((text, value, index) => text.replaceAll(`{${index}}`, () => String(value)), label);
}

/** The sentence of an Apex or platform error. */
export function errorText(error) {
    const body = error?.body ?? error;
    const texts = (Array.isArray(body) ? body : [body]).map((one) => one?.message).filter(Boolean);
    return texts.length === 0 ? UNKNOWN : texts.join(' ');
}

/** Made once for each form that is filled: whatever is pressed or sent again with it is the same action. */
export function newKey() {
    return crypto.randomUUID();
}
