import type { ReactNode } from 'react';
import { Bar, BarChart, CartesianGrid, Legend, Line, LineChart, ResponsiveContainer, XAxis, YAxis } from 'recharts';

const HEIGHT = 240;

/** Told apart by their dashes as well as by their colours; both colours stand out on white and on black. */
const LOOKS = [
  { colour: 'var(--mantine-color-blue-filled)', dash: '0' },
  { colour: 'var(--mantine-color-orange-filled)', dash: '6 4' },
] as const;

/** A second bar is an outline as well as another colour. */
const OUTLINED = { fillOpacity: 0.25, strokeWidth: 2, strokeDasharray: '6 4' };

const TEXT = { fill: 'var(--mantine-color-text)', fontSize: 12 };

export interface Series {
  readonly key: string;
  readonly title: string;
}

type Point = Readonly<Record<string, number | string>>;

/** A picture of numbers that stand in a table beside it: to who cannot see it, its name is enough. Numbers here are for drawing alone. */
export function Chart({
  label,
  kind,
  points,
  series,
  number,
}: {
  label: string;
  kind: 'lines' | 'bars';
  points: readonly Point[];
  series: readonly Series[];
  number: (value: number) => string;
}) {
  const Frame = kind === 'lines' ? LineChart : BarChart;
  return (
    <div role="img" aria-label={label}>
      <div aria-hidden="true">
        <ResponsiveContainer width="100%" height={HEIGHT}>
          <Frame data={[...points]} accessibilityLayer={false} margin={{ top: 8, right: 12, bottom: 0, left: 0 }}>
            <CartesianGrid stroke="var(--mantine-color-default-border)" vertical={false} />
            <XAxis dataKey="name" tick={TEXT} tickLine={false} minTickGap={24} />
            <YAxis
              tick={TEXT}
              tickLine={false}
              axisLine={false}
              width={72}
              tickFormatter={number}
              allowDecimals={false}
            />
            {series.length > 1 && (
              <Legend
                itemSorter={null}
                formatter={(title: ReactNode) => (
                  <span style={{ color: TEXT.fill, fontSize: TEXT.fontSize }}>{title}</span>
                )}
              />
            )}
            {series.map(({ key, title }, index) => {
              const { colour, dash } = LOOKS[index % LOOKS.length] ?? LOOKS[0];
              const shared = { dataKey: key, name: title, isAnimationActive: false };
              return kind === 'lines' ? (
                <Line
                  key={key}
                  {...shared}
                  stroke={colour}
                  strokeDasharray={dash}
                  strokeWidth={2}
                  dot={points.length < 3}
                />
              ) : (
                <Bar
                  key={key}
                  {...shared}
                  {...(index === 0 ? {} : OUTLINED)}
                  fill={colour}
                  stroke={colour}
                  maxBarSize={64}
                />
              );
            })}
          </Frame>
        </ResponsiveContainer>
      </div>
    </div>
  );
}
