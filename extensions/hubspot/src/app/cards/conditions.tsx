import { Accordion, Table, TableBody, TableCell, TableHead, TableHeader, TableRow, Tag } from '@hubspot/ui-extensions';
import type { Condition } from './card-view.generated.ts';
import type { Format } from './format.ts';

interface ConditionsProps {
  readonly conditions: readonly Condition[];
  readonly format: Format;
  readonly open: boolean;
}

export function Conditions({ conditions, format, open }: ConditionsProps) {
  const met = conditions.filter((condition) => condition.met === true).length;
  return (
    <Accordion title={`Conditions: ${met} of ${conditions.length} met`} size="xs" defaultOpen={open}>
      <Table density="compact" flush={true}>
        <TableHead>
          <TableRow>
            <TableHeader>Condition</TableHeader>
            <TableHeader>Needed</TableHeader>
            <TableHeader>Now</TableHeader>
            <TableHeader>Result</TableHeader>
          </TableRow>
        </TableHead>
        <TableBody>
          {conditions.map((condition) => (
            // One fact may stand in two conditions, as from and to.
            <TableRow key={`${condition.label} ${format.value(condition.expected)}`}>
              <TableCell>{condition.label}</TableCell>
              <TableCell>{format.value(condition.expected)}</TableCell>
              <TableCell>{format.value(condition.actual)}</TableCell>
              <TableCell>
                <Verdict met={condition.met} />
              </TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </Accordion>
  );
}

function Verdict({ met }: { readonly met: boolean | null }) {
  if (met === null) return <Tag variant="warning">Missing</Tag>;
  return met ? <Tag variant="success">Met</Tag> : <Tag variant="error">Not met</Tag>;
}
