import { Group, Text } from '@mantine/core';
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, XAxis, YAxis } from 'recharts';

const HEIGHT = 240;

const TEXT = { fill: 'var(--mantine-color-text)', fontSize: 12 };

/** Told apart by how they are filled and outlined as well as by their colours. */
const LOOKS = [
  { colour: 'var(--mantine-color-blue-filled)', opacity: 1, dash: undefined },
  { colour: 'var(--mantine-color-blue-filled)', opacity: 0.2, dash: undefined },
  { colour: 'var(--mantine-color-orange-filled)', opacity: 0.2, dash: '6 4' },
] as const;

const SWATCH = 14;

export interface ForecastBar {
  readonly name: string;
  /** For drawing alone; what is read stands in a table. */
  readonly parts: readonly number[];
}

/** A bar for each month, of parts that stand on one another. */
export default function ForecastChart({
  label,
  titles,
  bars,
  number,
}: {
  label: string;
  titles: readonly string[];
  bars: readonly ForecastBar[];
  number: (value: number) => string;
}) {
  const points = bars.map(({ name, parts }) => ({
    name,
    ...Object.fromEntries(parts.map((part, index) => [`part${index}`, part])),
  }));
  const lookOf = (index: number) => LOOKS[index % LOOKS.length] ?? LOOKS[0];
  return (
    <div role="img" aria-label={label}>
      <div aria-hidden="true">
        <ResponsiveContainer width="100%" height={HEIGHT}>
          <BarChart data={points} accessibilityLayer={false} margin={{ top: 8, right: 12, bottom: 0, left: 0 }}>
            <CartesianGrid stroke="var(--mantine-color-default-border)" vertical={false} />
            <XAxis dataKey="name" tick={TEXT} tickLine={false} minTickGap={24} />
            <YAxis tick={TEXT} tickLine={false} axisLine={false} width={72} tickFormatter={number} />
            {titles.map((title, index) => {
              const { colour, opacity, dash } = lookOf(index);
              return (
                <Bar
                  key={title}
                  dataKey={`part${index}`}
                  name={title}
                  stackId="month"
                  isAnimationActive={false}
                  fill={colour}
                  fillOpacity={opacity}
                  stroke={colour}
                  {...(dash === undefined ? {} : { strokeDasharray: dash })}
                  maxBarSize={64}
                />
              );
            })}
          </BarChart>
        </ResponsiveContainer>
        <Group gap="md" justify="center">
          {titles.map((title, index) => {
            const { colour, opacity, dash } = lookOf(index);
            return (
              <Group key={title} gap={6} wrap="nowrap">
                {/* As the bars are drawn; the library's own has but one colour. */}
                <svg width={SWATCH} height={SWATCH} aria-hidden="true">
                  <rect
                    x={1}
                    y={1}
                    width={SWATCH - 2}
                    height={SWATCH - 2}
                    fill={colour}
                    fillOpacity={opacity}
                    stroke={colour}
                    strokeDasharray={dash}
                  />
                </svg>
                <Text size="xs">{title}</Text>
              </Group>
            );
          })}
        </Group>
      </div>
    </div>
  );
}
