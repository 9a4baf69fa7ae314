import { type ComponentProps, lazy, Suspense, useEffect, useState } from 'react';

const load = () => import('./dialog-window.tsx');
const DialogWindow = lazy(load);

/** A dialog. What it is made of comes when it is first opened. */
export function Dialog(props: ComponentProps<typeof DialogWindow>) {
  const { opened } = props;
  const [wasOpened, setOpened] = useState(opened);
  useEffect(() => {
    if (opened) setOpened(true);
  }, [opened]);
  // Once there it stays, so that it can fade out.
  if (!wasOpened && !opened) return null;
  return (
    <Suspense>
      <DialogWindow {...props} />
    </Suspense>
  );
}
