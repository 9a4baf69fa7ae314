import { useContext } from 'react';
import type { TimelineView } from '../source.ts';
import { TimeZone } from './time-zone.ts';
import { dateTimeText } from './words.ts';

/** All that this page knows of Markdown: a header that is a link. */
const LINK = /^\[(.*)\]\((https?:\/\/[^\s)]+)\)$/;

/** What apps have told this record, as a timeline shows it. Nothing at all where none has. */
export function TimelinePanel({ events }: { readonly events: readonly TimelineView[] }) {
  const timeZone = useContext(TimeZone);
  if (events.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="timeline-title">
      <h2 id="timeline-title">Activity</h2>
      <ol className="timeline">
        {events.map(({ id, at, app, header, detail }) => (
          <li key={id}>
            <div className="timeline-head">
              <Header text={header} />
              <time className="timeline-when" dateTime={at}>
                {dateTimeText(at, timeZone)}
              </time>
            </div>
            <p className="timeline-app">{app}</p>
            {detail
              .split('\n\n')
              .filter((paragraph) => paragraph !== '')
              .map((paragraph) => (
                <p key={paragraph}>{paragraph}</p>
              ))}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Header({ text }: { readonly text: string }) {
  const [, words, address] = LINK.exec(text) ?? [];
  if (words === undefined || address === undefined) return <strong>{text}</strong>;
  return (
    <a href={address} target="_blank" rel="noreferrer">
      {words}
    </a>
  );
}
