/** Stands in for the platform's RefreshView: the page tells of a saved record by an event on its window. */

export const REFRESH = 'wonward:refresh-view';

export function registerRefreshHandler(_component, handle) {
  window.addEventListener(REFRESH, handle);
  return handle;
}

export function unregisterRefreshHandler(handle) {
  window.removeEventListener(REFRESH, handle);
}
