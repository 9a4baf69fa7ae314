import { type FormEvent, type ReactNode, useContext, useId, useState } from 'react';
import type { PropertyView } from '../source.ts';
import { TimeZone } from './time-zone.ts';
import { dateTimeText } from './words.ts';

const ISO_TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

interface PropertyListProps {
  readonly title: string;
  readonly properties: readonly PropertyView[];
  /** Said when there is no property at all. */
  readonly none?: string;
  /** Names of the properties a person may change here. */
  readonly editable?: readonly string[];
  readonly onSave?: (name: string, value: string) => Promise<void>;
}

export function PropertyList({ title, properties, none, editable = [], onSave }: PropertyListProps) {
  const heading = useId();
  return (
    <section className="panel" aria-labelledby={heading}>
      <h2 id={heading}>{title}</h2>
      {properties.length === 0 && none !== undefined && <p className="quiet">{none}</p>}
      <dl className="properties">
        {properties.map((property) => (
          <div key={property.name}>
            <dt title={property.description}>{property.label}</dt>
            <dd>
              {onSave !== undefined && editable.includes(property.name) ? (
                <PropertyForm property={property} onSave={onSave} />
              ) : (
                <Value text={property.text} />
              )}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Value({ text }: { readonly text: string }): ReactNode {
  const timeZone = useContext(TimeZone);
  if (text === '') return <span className="empty-value">Empty</span>;
  if (ISO_TIME.test(text)) return dateTimeText(text, timeZone);
  return /^https?:\/\//.test(text) ? <a href={text}>{text}</a> : text;
}

interface PropertyFormProps {
  readonly property: PropertyView;
  /** Off where the label already stands beside the field. */
  readonly labelled?: boolean;
  readonly onSave: (name: string, value: string) => Promise<void>;
}

export function PropertyForm({ property, labelled = false, onSave }: PropertyFormProps) {
  const [draft, setDraft] = useState<string | null>(null);
  const field = useId();
  const value = draft ?? property.value;

  async function save(event: FormEvent): Promise<void> {
    event.preventDefault();
    await onSave(property.name, value.trim());
    setDraft(null);
  }

  return (
    <form className="property-form" onSubmit={(event) => void save(event)}>
      <div>
        {labelled && <label htmlFor={field}>{property.label}</label>}
        <input
          id={field}
          {...(labelled ? {} : { 'aria-label': property.label })}
          value={value}
          placeholder="Empty"
          onChange={(event) => setDraft(event.target.value)}
        />
      </div>
      <button type="submit" className="small-button" disabled={value === property.value}>
        Save
      </button>
    </form>
  );
}
