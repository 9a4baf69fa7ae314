import { Alert, Flex, Heading, Link, LoadingButton, Select, Tag, Text, Tile } from '@hubspot/ui-extensions';
import { useState } from 'react';
import type { Meaning, Pipeline, SettingsView, StageMeaning } from './settings-view.generated.ts';
import type { Settings } from './use-settings.ts';

interface MappingSectionProps {
  readonly view: SettingsView;
  readonly settings: Settings;
}

/** What an admin chooses: a meaning, or to leave it to HubSpot. */
type Choice = Meaning | 'metadata';

const MEANINGS: Readonly<Record<Meaning, string>> = {
  qualified: 'Qualified',
  opportunity: 'Open opportunity',
  won: 'Won',
  lost: 'Lost',
};

const keyOf = (pipeline: Pipeline, stage: StageMeaning) => `${pipeline.id} ${stage.id}`;
const choiceOf = ({ isSaid, stage }: StageMeaning): Choice => (isSaid ? stage : 'metadata');

/** What each stage of each pipeline means. By HubSpot's own metadata, unless an admin says otherwise. */
export function MappingSection({ view, settings }: MappingSectionProps) {
  const { mapping, mayChange } = view;
  const [choices, setChoices] = useState<Readonly<Record<string, Choice>>>({});

  const chosen = (pipeline: Pipeline, stage: StageMeaning) => choices[keyOf(pipeline, stage)] ?? choiceOf(stage);
  const isChanged = mapping.pipelines.some((pipeline) =>
    pipeline.stages.some((stage) => chosen(pipeline, stage) !== choiceOf(stage)),
  );
  const save = () => {
    const stages = mapping.pipelines.flatMap((pipeline) =>
      pipeline.stages.flatMap((stage) => {
        const choice = chosen(pipeline, stage);
        return choice === 'metadata' ? [] : [{ pipelineId: pipeline.id, stageId: stage.id, stage: choice }];
      }),
    );
    void settings.change('mapping', { version: mapping.version, stages });
  };

  return (
    <Flex direction="column" gap="sm">
      <Heading>What deal stages mean</Heading>
      {mapping.consoleUrl !== undefined && (
        <Link href={{ url: mapping.consoleUrl, external: true }}>Open the mapping in Wonward</Link>
      )}
      {mapping.pipelines.length === 0 && <Text>The stages were not read yet. They are within minutes.</Text>}
      {mapping.pipelines.map((pipeline) => (
        <Tile key={pipeline.id} compact={true}>
          <Flex direction="column" gap="sm">
            <Flex direction="row" gap="sm" align="center" wrap="wrap">
              <Text format={{ fontWeight: 'demibold' }}>{pipeline.label}</Text>
              {!pipeline.hasWon && <Tag variant="warning">No stage means won</Tag>}
            </Flex>
            {pipeline.stages.map((stage) => (
              <Select
                key={stage.id}
                name={keyOf(pipeline, stage)}
                label={stage.label}
                readOnly={!mayChange}
                value={chosen(pipeline, stage)}
                options={[
                  { value: 'metadata', label: `As HubSpot says: ${MEANINGS[stage.byMetadata]}` },
                  ...Object.entries(MEANINGS).map(([value, label]) => ({ value, label })),
                ]}
                onChange={(value) => setChoices((before) => ({ ...before, [keyOf(pipeline, stage)]: value as Choice }))}
              />
            ))}
          </Flex>
        </Tile>
      ))}
      {isChanged && (
        <Alert title="This judges every referral again" variant="warning">
          Deals of all referrals in this portal are judged anew, at once, and rewards may be granted or taken back. Try
          it on your history first: in Wonward, “dry run” of the stage mapping.
        </Alert>
      )}
      {mayChange && mapping.pipelines.length > 0 && (
        <LoadingButton
          variant="primary"
          loading={settings.busy === 'mapping'}
          disabled={!isChanged || settings.busy !== null}
          onClick={save}
        >
          Save what stages mean
        </LoadingButton>
      )}
      <Text variant="microcopy">Version {mapping.version || 'none yet'}</Text>
    </Flex>
  );
}
