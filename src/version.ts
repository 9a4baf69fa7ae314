import packageFile from '../package.json' with { type: 'json' };

/** Of this program, as package.json says. */
export const VERSION: string = packageFile.version;
