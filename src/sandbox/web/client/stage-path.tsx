import type { StageView } from '../source.ts';

export function OutcomeTag({ stage }: { readonly stage: StageView }) {
  return <span className={`outcome is-${stage.outcome}`}>{stage.label}</span>;
}

interface StagePathProps {
  readonly stages: readonly StageView[];
  readonly current: string;
  readonly busy: boolean;
  readonly onMove: (stage: StageView) => void;
}

/** The pipeline as a row of steps; a click moves the deal. */
export function StagePath({ stages, current, busy, onMove }: StagePathProps) {
  const at = stages.findIndex(({ id }) => id === current);
  const open = stages[at]?.outcome === 'open';
  return (
    <ol className="stage-path" aria-label="Deal stage">
      {stages.map((stage, index) => (
        <li key={stage.id}>
          <button
            type="button"
            className={[
              'stage',
              index === at ? `is-current is-${stage.outcome}` : '',
              open && index < at ? 'is-passed' : '',
            ].join(' ')}
            aria-current={index === at ? 'step' : undefined}
            disabled={busy}
            onClick={() => onMove(stage)}
          >
            {stage.label}
          </button>
        </li>
      ))}
    </ol>
  );
}
