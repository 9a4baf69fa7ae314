import { type Controller, createController } from '@remote-ui/react/host';
import { Children, type ComponentType, type ReactNode, useContext, useId, useState } from 'react';
import { OpenComposer } from './composer.tsx';
import { localRecordPath } from './record-path.ts';

/**
 * Our drawing of HubSpot's components, which no package ships. Names and props are theirs; the look is not, and the page says so.
 * A component that is missing here shows as a visible gap and never as nothing.
 */

type Size = 'flush' | 'xs' | 'extra-small' | 'sm' | 'small' | 'md' | 'medium' | 'lg' | 'large' | 'xl' | 'extra-large';
interface WithChildren {
  readonly children?: ReactNode;
}
type Href = string | { readonly url: string; readonly external?: boolean };

const SHORT: Readonly<Record<string, string>> = {
  'extra-small': 'xs',
  small: 'sm',
  medium: 'md',
  large: 'lg',
  'extra-large': 'xl',
};

function size(value: Size | undefined, fallback: string): string {
  return value === undefined ? fallback : (SHORT[value] ?? value);
}

function classes(...names: (string | false | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}

function Accordion(
  props: WithChildren & { title: string; defaultOpen?: boolean; open?: boolean; size?: Size; onClick?: () => void },
) {
  const [toggled, setToggled] = useState(props.defaultOpen ?? false);
  const open = props.open ?? toggled;
  const region = useId();
  return (
    <div className="c-accordion">
      <button
        type="button"
        className="c-accordion-title"
        aria-expanded={open}
        aria-controls={region}
        onClick={() => {
          setToggled(!open);
          props.onClick?.();
        }}
      >
        <span className="c-chevron" aria-hidden="true" />
        {props.title}
      </button>
      <div id={region} hidden={!open} className="c-accordion-body">
        {props.children}
      </div>
    </div>
  );
}

function Alert(props: WithChildren & { title: string; variant?: string }) {
  const variant = props.variant ?? 'info';
  return (
    <div className={`c-alert is-${variant}`} role={variant === 'error' || variant === 'danger' ? 'alert' : 'status'}>
      <strong>{props.title}</strong>
      <div>{props.children}</div>
    </div>
  );
}

interface ButtonProps extends WithChildren {
  readonly onClick?: (event: object) => void;
  readonly href?: Href;
  readonly disabled?: boolean;
  readonly loading?: boolean;
  readonly variant?: string;
  readonly size?: Size;
}

function Button(props: ButtonProps) {
  const className = classes('c-button', `is-${props.variant ?? 'secondary'}`, `is-${size(props.size, 'md')}`);
  if (props.href !== undefined)
    return <Anchor href={props.href} className={className} onClick={props.onClick} label={props.children} />;
  return (
    <button
      type="button"
      className={className}
      disabled={props.disabled === true || props.loading === true}
      aria-busy={props.loading === true}
      onClick={(event) => props.onClick?.({ type: 'click', bubbles: event.bubbles, timeStamp: event.timeStamp })}
    >
      {props.loading === true && <span className="c-spinner" aria-hidden="true" />}
      {props.children}
    </button>
  );
}

function Anchor(props: {
  href: Href;
  className: string;
  onClick: ((event: object) => void) | undefined;
  label: ReactNode;
}) {
  const url = typeof props.href === 'string' ? props.href : props.href.url;
  const local = localRecordPath(url);
  const external = local === null && (typeof props.href === 'string' || props.href.external !== false);
  return (
    <a
      className={props.className}
      href={local ?? url}
      onClick={() => props.onClick?.({ type: 'click' })}
      {...(external ? { target: '_blank', rel: 'noreferrer' } : {})}
    >
      {props.label}
      {external && (
        <>
          <span aria-hidden="true" className="c-external">
            ↗
          </span>
          <span className="visually-hidden"> (opens in a new tab)</span>
        </>
      )}
    </a>
  );
}

function Link(props: WithChildren & { href: Href; onClick?: (event: object) => void }) {
  return <Anchor href={props.href} className="c-link" onClick={props.onClick} label={props.children} />;
}

interface CrmActionButtonProps extends WithChildren {
  readonly actionType: string;
  readonly actionContext: Readonly<Record<string, unknown>>;
  readonly variant?: string;
  readonly size?: Size;
  readonly disabled?: boolean;
  readonly onClick?: () => void;
  readonly onError?: (errors: string[]) => void;
}

/** HubSpot does the action itself. Of those that it has, this page knows one. */
function CrmActionButton({ actionType, actionContext, onClick, onError, ...look }: CrmActionButtonProps) {
  const openComposer = useContext(OpenComposer);
  const { objectId, objectTypeId, initialEmailSubject, initialEmailBody } = actionContext;
  function act(): void {
    onClick?.();
    const text = (value: unknown) => (typeof value === 'string' ? value : '');
    const problem =
      actionType !== 'SEND_EMAIL'
        ? `${actionType} is not done by this sandbox.`
        : typeof objectId !== 'number' || typeof objectTypeId !== 'string'
          ? 'The record is missing.'
          : openComposer({ subject: text(initialEmailSubject), text: text(initialEmailBody) });
    if (problem !== null) onError?.([problem]);
  }
  return <Button {...look} onClick={act} />;
}

function DescriptionList(props: WithChildren & { direction?: string }) {
  return <dl className={`c-description is-${props.direction ?? 'column'}`}>{props.children}</dl>;
}

function DescriptionListItem(props: WithChildren & { label: string }) {
  return (
    <div>
      <dt>{props.label}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function Flex(
  props: WithChildren & { direction?: string; gap?: Size; justify?: string; align?: string; wrap?: boolean | string },
) {
  return (
    <div
      className={classes(
        'c-flex',
        `is-${props.direction ?? 'row'}`,
        `gap-${size(props.gap, 'flush')}`,
        `justify-${props.justify ?? 'start'}`,
        `align-${props.align ?? 'stretch'}`,
        (props.wrap === true || props.wrap === 'wrap') && 'is-wrapping',
      )}
    >
      {props.children}
    </div>
  );
}

function List(props: WithChildren & { variant?: string }) {
  const items = Children.toArray(props.children).map((child, index) => (
    // The children are drawn from the card's own keys; here only their place is known.
    // The list is drawn anew with its children
    <li key={index}>{child}</li>
  ));
  const variant = props.variant ?? 'unordered';
  return variant.startsWith('ordered') ? (
    <ol className="c-list">{items}</ol>
  ) : (
    <ul className={`c-list is-${variant}`}>{items}</ul>
  );
}

function LoadingSpinner(props: { label: string; showLabel?: boolean; layout?: string }) {
  return (
    <div className={`c-loading is-${props.layout ?? 'inline'}`} role="status">
      <span className="c-spinner" aria-hidden="true" />
      <span className={props.showLabel === true ? undefined : 'visually-hidden'}>{props.label}</span>
    </div>
  );
}

function StatePanel(props: WithChildren & { title?: string; kind: 'empty' | 'error' }) {
  return (
    <div className={`c-state is-${props.kind}`}>
      <span className="c-state-mark" aria-hidden="true">
        {props.kind === 'error' ? '!' : '○'}
      </span>
      {props.title !== undefined && <h3>{props.title}</h3>}
      {props.children}
    </div>
  );
}

function StepIndicator(props: { stepNames: readonly string[]; currentStep?: number; variant?: string }) {
  const current = props.currentStep ?? 0;
  return (
    <ol className={`c-steps is-${props.variant ?? 'default'}`} aria-label="Progress">
      {props.stepNames.map((name, index) => (
        <li
          key={name}
          className={classes(index < current && 'is-done', index === current && 'is-current')}
          aria-current={index === current ? 'step' : undefined}
        >
          <span>{name}</span>
        </li>
      ))}
    </ol>
  );
}

function Table(props: WithChildren & { density?: string; bordered?: boolean }) {
  return (
    <div className={`c-table is-${props.density ?? 'default'}`}>
      <table>{props.children}</table>
    </div>
  );
}

function Text(
  props: WithChildren & { variant?: string; inline?: boolean; format?: { fontWeight?: string; italic?: boolean } },
) {
  const className = classes(
    'c-text',
    props.variant === 'microcopy' && 'is-microcopy',
    props.format?.fontWeight !== undefined && `is-${props.format.fontWeight}`,
    props.format?.italic === true && 'is-italic',
  );
  return props.inline === true ? (
    <span className={className}>{props.children}</span>
  ) : (
    <div className={className}>{props.children}</div>
  );
}

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly value?: string;
  readonly placeholder?: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly onInput?: (value: string) => void;
  readonly onChange?: (value: string) => void;
}

/** HubSpot tells of each letter by `onInput`, and of the end by `onChange`. What is typed shows at once, whatever the worker makes of it. */
function useTyped({ value, onInput }: FieldProps): readonly [string, (text: string) => void] {
  const [typed, setTyped] = useState(value ?? '');
  return [
    typed,
    (text) => {
      setTyped(text);
      onInput?.(text);
    },
  ];
}

function Input(props: FieldProps & { readonly kind?: 'text' | 'search' }) {
  const [typed, type] = useTyped(props);
  const id = useId();
  return (
    <div className="c-field">
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        type={props.kind ?? 'text'}
        name={props.name}
        value={typed}
        placeholder={props.placeholder}
        required={props.required}
        onChange={(event) => type(event.target.value)}
        onBlur={() => props.onChange?.(typed)}
      />
      {props.description !== undefined && <small>{props.description}</small>}
    </div>
  );
}

function TextArea(props: FieldProps & { readonly rows?: number; readonly maxLength?: number }) {
  const [typed, type] = useTyped(props);
  const id = useId();
  return (
    <div className="c-field">
      <label htmlFor={id}>{props.label}</label>
      <textarea
        id={id}
        name={props.name}
        value={typed}
        rows={props.rows ?? 3}
        maxLength={props.maxLength}
        onChange={(event) => type(event.target.value)}
        onBlur={() => props.onChange?.(typed)}
      />
    </div>
  );
}

function Select(props: {
  label: string;
  name: string;
  options: readonly { label: string; value: string | number }[];
  value?: string | number;
  description?: string;
  readOnly?: boolean;
  onChange?: (value: string) => void;
}) {
  const id = useId();
  return (
    <div className="c-field">
      <label htmlFor={id}>{props.label}</label>
      <select
        id={id}
        name={props.name}
        value={props.value ?? ''}
        disabled={props.readOnly === true}
        onChange={(event) => props.onChange?.(event.target.value)}
      >
        {props.options.map(({ label, value }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      {props.description !== undefined && <small>{props.description}</small>}
    </div>
  );
}

function Checkbox(
  props: WithChildren & {
    name: string;
    checked?: boolean;
    description?: string;
    readOnly?: boolean;
    onChange?: (checked: boolean) => void;
  },
) {
  return (
    <div className="c-field is-checkbox">
      <label>
        <input
          type="checkbox"
          name={props.name}
          checked={props.checked === true}
          disabled={props.readOnly === true}
          onChange={(event) => props.onChange?.(event.target.checked)}
        />{' '}
        {props.children}
      </label>
      {props.description !== undefined && <small>{props.description}</small>}
    </div>
  );
}

function ProgressBar(props: { title?: string; value?: number; maxValue?: number; valueDescription?: string }) {
  const id = useId();
  return (
    <div className="c-progress">
      <label htmlFor={id}>{props.title}</label>
      <progress id={id} value={props.value ?? 0} max={props.maxValue ?? 100} />
      <small>{props.valueDescription}</small>
    </div>
  );
}

const implemented = {
  Accordion,
  Alert,
  Box: (props: WithChildren) => <div className="c-box">{props.children}</div>,
  Button,
  ButtonRow: (props: WithChildren) => <div className="c-button-row">{props.children}</div>,
  Checkbox,
  CrmActionButton,
  Card: (props: WithChildren) => <div className="c-tile">{props.children}</div>,
  DescriptionList,
  DescriptionListItem,
  Divider: (props: { size?: Size }) => <hr className={`c-divider gap-${size(props.size, 'sm')}`} />,
  EmptyState: (props: WithChildren & { title?: string }) => <StatePanel {...props} kind="empty" />,
  ErrorState: (props: WithChildren & { title?: string }) => <StatePanel {...props} kind="error" />,
  Flex,
  PageTitle: (props: WithChildren) => <h2 className="c-page-title">{props.children}</h2>,
  // The record's own headings come before: the name is h1, the card's title h2.
  Heading: (props: WithChildren) => <h3 className="c-heading">{props.children}</h3>,
  Image: (props: { src: string; alt?: string; width?: number; height?: number }) => (
    <img className="c-image" src={props.src} alt={props.alt ?? ''} width={props.width} height={props.height} />
  ),
  Inline: (props: WithChildren) => (
    <div className="c-flex is-row is-wrapping gap-sm align-center">{props.children}</div>
  ),
  Input,
  Link,
  List,
  LoadingButton: Button,
  LoadingSpinner,
  ProgressBar,
  SearchInput: (props: FieldProps) => <Input {...props} kind="search" />,
  Select,
  Spacer: () => <div className="c-spacer" />,
  Statistics: (props: WithChildren) => <dl className="c-statistics">{props.children}</dl>,
  StatisticsItem: (props: { label: string; number: string | number }) => (
    <div>
      <dt>{props.label}</dt>
      <dd>{props.number}</dd>
    </div>
  ),
  StatusTag: (props: WithChildren & { variant?: string }) => (
    <span className={`c-status is-${props.variant ?? 'default'}`}>{props.children}</span>
  ),
  StepIndicator,
  Table,
  TableBody: (props: WithChildren) => <tbody>{props.children}</tbody>,
  TableCell: (props: WithChildren) => <td>{props.children}</td>,
  TableHead: (props: WithChildren) => <thead>{props.children}</thead>,
  TableHeader: (props: WithChildren) => <th scope="col">{props.children}</th>,
  TableRow: (props: WithChildren) => <tr>{props.children}</tr>,
  Tag: (props: WithChildren & { variant?: string }) => (
    <span className={`c-tag is-${props.variant ?? 'default'}`}>{props.children}</span>
  ),
  Text,
  TextArea,
  Tile: (props: WithChildren & { compact?: boolean }) => (
    <div className={classes('c-tile', props.compact === true && 'is-compact')}>{props.children}</div>
  ),
};

function gap(name: string): ComponentType<WithChildren> {
  return function NotDrawn({ children }) {
    return (
      <div className="c-gap">
        <small>{name} is not drawn by this sandbox</small>
        {children}
      </div>
    );
  };
}

const drawn = new Map(Object.entries(implemented as unknown as Record<string, ComponentType<WithChildren>>));

/** What draws a remote tree. A component's own drawing, or a visible gap, by the name HubSpot gives it. */
export function createDrawing(): Controller {
  return {
    ...createController({}),
    get(type) {
      const component = drawn.get(type) ?? gap(type);
      drawn.set(type, component);
      return component;
    },
  };
}
