import { createContext } from 'react';

/** Where the portal is: a record's times read the same on the page and on its card. Undefined is the reader's own. */
export const TimeZone = createContext<string | undefined>(undefined);
