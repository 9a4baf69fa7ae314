/** The script of a local org's record page: puts the package's component in its place, and moves an opportunity. */

interface Lightning {
  create(): HTMLElement & { recordId: string; objectApiName: string };
}

declare const wonward: Lightning;

const record = document.querySelector<HTMLMetaElement>('meta[name="record"]');
const place = document.querySelector('#component');
const said = document.querySelector('#said');

if (record !== null && place !== null) {
  const component = wonward.create();
  component.recordId = record.dataset.id ?? '';
  component.objectApiName = record.dataset.object ?? '';
  place.replaceChildren(component);
}

for (const button of document.querySelectorAll<HTMLButtonElement>('[data-stage]')) {
  button.addEventListener('click', () => void moveTo(button));
}

async function moveTo(button: HTMLButtonElement): Promise<void> {
  const response = await fetch(record?.content ?? '', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ StageName: button.dataset.stage }),
  });
  const { message } = (await response.json()) as { message?: string };
  if (said !== null)
    said.textContent = response.ok ? `Stage changed to ${button.textContent}.` : (message ?? 'It was refused.');
  if (!response.ok) return;
  document.querySelector('[data-stage][aria-current]')?.removeAttribute('aria-current');
  button.setAttribute('aria-current', 'step');
  await showSideAnew();
  // As Lightning does after a record was saved: components on the page read anew.
  window.dispatchEvent(new Event('wonward:refresh-view'));
}

/** Fields and related records as they are now; the component stays as it is. */
async function showSideAnew(): Promise<void> {
  const response = await fetch(location.href);
  if (!response.ok) return;
  const now = new DOMParser().parseFromString(await response.text(), 'text/html').querySelector('.side');
  const side = document.querySelector('.side');
  if (now !== null && side !== null) side.replaceWith(document.adoptNode(now));
}
