import type { ExtensionPointApiActions } from '@hubspot/ui-extensions';

type CopyActions = Pick<ExtensionPointApiActions<'crm.record.tab'>, 'addAlert' | 'copyTextToClipboard'>;

/** True when it is in the clipboard. Some browsers refuse: the reader still gets the text to copy by hand. */
export async function copyText(
  { addAlert, copyTextToClipboard }: CopyActions,
  text: string,
  what: string,
): Promise<boolean> {
  try {
    await copyTextToClipboard(text);
    addAlert({ type: 'success', message: `${what} copied.` });
    return true;
  } catch {
    addAlert({ type: 'danger', message: `Your browser did not allow copying. Copy it here: ${text}` });
    return false;
  }
}
