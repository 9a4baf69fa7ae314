import './app/styles.ts';
import { MantineProvider } from '@mantine/core';
import { notifyManager, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiProblem } from './api/client.ts';
import { router } from './app/router.tsx';
import { readable, theme } from './app/theme.ts';
import { initialLocale, type Locale, LocaleContext, showIn } from './i18n/text.ts';

/** What the service's policy lets styles in by. */
const nonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.content ?? '';

// Dialogs stop the page behind them from scrolling by a style of another library, which looks for the nonce under this name.
Object.assign(globalThis, { __webpack_nonce__: nonce });

// What is under way is known before the next press: the second of a double press finds it so, and does nothing.
notifyManager.setScheduler(queueMicrotask);

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // A problem that the service names stays the same when it is asked again at once.
      retry: (count, thrown) => count < 2 && !(thrown instanceof ApiProblem && thrown.problem.status < 500),
    },
  },
});

function Console() {
  const [locale, setLocale] = useState(() => {
    const first = initialLocale();
    showIn(first);
    return first;
  });
  const language = useMemo(
    () => ({
      locale,
      setLocale(next: Locale) {
        showIn(next);
        setLocale(next);
        // Much of what was asked for holds sentences of the service in the language before.
        queries.removeQueries({ type: 'inactive' });
        void queries.invalidateQueries();
      },
    }),
    [locale],
  );
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={readable}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <LocaleContext value={language}>
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </LocaleContext>
    </MantineProvider>
  );
}

const place = document.getElementById('console');
if (place) {
  createRoot(place).render(
    <StrictMode>
      <Console />
    </StrictMode>,
  );
}
