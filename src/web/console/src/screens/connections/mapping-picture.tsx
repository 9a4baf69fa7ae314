import '@xyflow/react/dist/style.css';
import { useComputedColorScheme } from '@mantine/core';
import { type Edge, type Node, Position, ReactFlow } from '@xyflow/react';

export interface PicturedStage {
  readonly id: string;
  readonly label: string;
  readonly stage: string;
}

const ROW_HEIGHT = 48;
const COLOURS: Readonly<Record<string, string>> = {
  qualified: 'var(--mantine-color-blue-5)',
  opportunity: 'var(--mantine-color-yellow-6)',
  won: 'var(--mantine-color-green-6)',
  lost: 'var(--mantine-color-gray-5)',
};

/** Stages on one side, what they mean on the other. Only to be looked at: the list beside it says the same, and can be changed. */
export default function MappingPicture({
  stages,
  means,
}: {
  stages: readonly PicturedStage[];
  means: readonly { readonly id: string; readonly label: string }[];
}) {
  const scheme = useComputedColorScheme('light');
  const height = Math.max(stages.length, means.length) * ROW_HEIGHT + 24;
  const gap = (height - 24) / means.length;
  const nodes: Node[] = [
    ...stages.map(
      ({ id, label }, row): Node => ({
        id,
        position: { x: 0, y: row * ROW_HEIGHT },
        data: { label },
        sourcePosition: Position.Right,
        type: 'input',
        style: { width: 150, padding: 6, fontSize: 12 },
      }),
    ),
    ...means.map(
      ({ id, label }, row): Node => ({
        id: `means ${id}`,
        position: { x: 230, y: row * gap + gap / 2 - 18 },
        data: { label },
        targetPosition: Position.Left,
        type: 'output',
        style: { width: 110, padding: 6, fontSize: 12, borderColor: COLOURS[id], borderWidth: 2 },
      }),
    ),
  ];
  const edges: Edge[] = stages.map(({ id, stage }) => ({
    id: `${id} ${stage}`,
    source: id,
    target: `means ${stage}`,
    style: { stroke: COLOURS[stage], strokeWidth: 2 },
  }));
  return (
    <div style={{ height }} aria-hidden inert>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        colorMode={scheme}
        fitView
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        panOnDrag={false}
        zoomOnScroll={false}
        preventScrolling={false}
        proOptions={{ hideAttribution: true }}
      />
    </div>
  );
}
