import type { ExportFlow, FilterRule, ImportFlow, JoinRule, ProjectionRule, RuleMapping, RuleSource, SynchronizationRules } from '../model.ts';
import { type TrackedElement, toXmlJson } from '../xml/tracked-element.ts';
import type { Notes } from './notes.ts';
import { normalizeGuid, parseBoolean } from './scalars.ts';

/** Attributes whose constant values are passwords: two published exports hold one in clear text. */
export const PASSWORD_LIKE = /pass(word|phrase)?|pwd|secret/i;
export const REMOVED = '(removed: looks like a password)';

/** No rules at all: what a packaged template or the Entra host has. */
export const noRules: SynchronizationRules = {
  filters: [],
  joins: [],
  projections: [],
  exportFlows: [],
  importFlows: [],
  deprovisioning: undefined,
  rulesExtension: '',
  hierarchyClasses: [],
  recallAttributes: undefined,
  passwordSync: {},
};

/** Reads the rules of an agent (mim-xml §7). `metaverse` holds the import flows of all agents of the server. */
export function readRules(data: TrackedElement, metaverse: TrackedElement | undefined, agentId: string, notes: Notes): SynchronizationRules {
  const extension = data.child('extension');
  const cleanup = data.child('provisioning-cleanup');
  const action = cleanup?.textOf('action') ?? '';
  const kind = cleanup?.attribute('type') ?? '';
  const passwordSync = data.child('password-sync');
  extension?.textOf('application-protection');
  return {
    filters: (data.child('stay-disconnector')?.all('filter-set') ?? []).map(readFilter),
    joins: (data.child('join')?.all('join-profile') ?? []).flatMap(readJoins),
    projections: (data.child('projection')?.all('class-mapping') ?? []).map(readProjection),
    exportFlows: (data.child('export-attribute-flow')?.all('export-flow-set') ?? []).flatMap((set) => readExportFlows(set, notes)),
    importFlows: metaverse === undefined ? [] : readImportFlows(metaverse, agentId, notes),
    deprovisioning: cleanup === undefined || (kind === '' && action === '') ? undefined : { kind, action },
    rulesExtension: extension?.textOf('assembly-name') ?? '',
    hierarchyClasses: (data.child('component_mappings')?.all('mapping') ?? []).map((mapping) => ({
      component: mapping.textOf('dn_component'),
      objectType: mapping.textOf('object_class'),
    })),
    recallAttributes: metaverse === undefined ? undefined : readRecall(metaverse, agentId),
    passwordSync: Object.fromEntries((passwordSync?.elements() ?? []).map((element) => [element.name, element.text()])),
  };
}

function readFilter(set: TrackedElement): FilterRule {
  set.attribute('import-filter');
  set.attribute('id');
  return {
    objectType: set.attribute('cd-object-type') ?? '',
    kind: set.attribute('type') ?? '',
    alternatives: set.all('filter-alternative').map((alternative) => {
      alternative.attribute('id');
      return alternative.all('condition').map((condition) => ({
        attribute: condition.attribute('cd-attribute') ?? '',
        operator: condition.attribute('operator') ?? '',
        values: condition.all('value').map((value) => {
          const encoding = value.attribute('encoding');
          const radix = value.attribute('ui-radix');
          return `${encoding === undefined ? '' : `${encoding}:`}${radix === undefined ? '' : `radix ${radix}:`}${value.text()}`;
        }),
      }));
    }),
  };
}

function readJoins(profile: TrackedElement): readonly JoinRule[] {
  const objectType = profile.attribute('cd-object-type') ?? '';
  return profile.all('join-criterion').map((criterion): JoinRule => {
    criterion.attribute('id');
    criterion.attribute('join-cri-type');
    const search = criterion.child('search');
    const resolution = criterion.child('resolution');
    const resolutionType = resolution?.attribute('type');
    const context = resolution?.textOf('script-context') ?? '';
    criterion.child('scoping')?.setAside('reported', `the scoping filter of a join rule of ${objectType}`);
    return {
      objectType,
      metaverseType: search?.attribute('mv-object-type') ?? '',
      syncRule: normalizeGuid(criterion.attribute('sync-rule-id') ?? ''),
      mappings: (search?.all('attribute-mapping') ?? []).map((mapping) => {
        mapping.attribute('intrinsic-attribute');
        const metaverseAttribute = mapping.attribute('mv-attribute') ?? '';
        return { metaverseAttribute, mapping: readMapping(mapping, metaverseAttribute) };
      }),
      resolution: resolutionType === 'scripted' ? context || '(scripted)' : '',
    };
  });
}

function readProjection(mapping: TrackedElement): ProjectionRule {
  mapping.attribute('id');
  mapping.child('scoping')?.setAside('reported', 'the scoping filter of a projection rule');
  mapping.attribute('sync-rule-id');
  return { objectType: mapping.attribute('cd-object-type') ?? '', kind: mapping.attribute('type') ?? '', metaverseType: mapping.textOf('mv-object-type') };
}

function readExportFlows(set: TrackedElement, notes: Notes): readonly ExportFlow[] {
  const objectType = set.attribute('cd-object-type') ?? '';
  const metaverseType = set.attribute('mv-object-type') ?? '';
  return set.all('export-flow').map((flow): ExportFlow => {
    flow.attribute('id');
    const attribute = flow.attribute('cd-attribute') ?? '';
    const mapping = readMapping(flow, attribute);
    if (mapping.kind === 'constant' && mapping.value === REMOVED)
      notes.add(
        'warning',
        `export flow to ${attribute}`,
        'it holds a constant that looks like a password in clear text; the value was removed from the report',
      );
    return { objectType, metaverseType, attribute, suppressDeletions: parseBoolean(flow.attribute('suppress-deletions')) !== false, mapping };
  });
}

/** The import flows of this agent; those of the other agents of the server are theirs. */
function readImportFlows(metaverse: TrackedElement, agentId: string, notes: Notes): readonly ImportFlow[] {
  let others = 0;
  const flows: ImportFlow[] = [];
  for (const set of metaverse.child('import-attribute-flow')?.all('import-flow-set') ?? []) {
    const metaverseType = set.attribute('mv-object-type') ?? '';
    for (const list of set.all('import-flows')) {
      const metaverseAttribute = list.attribute('mv-attribute') ?? '';
      list.attribute('type');
      for (const [index, flow] of list.all('import-flow').entries()) {
        if (normalizeGuid(flow.attribute('src-ma') ?? '') !== agentId) {
          others += 1;
          flow.setAside('ignored', 'an import flow of another management agent of the server');
          continue;
        }
        flow.attribute('id');
        flows.push({
          metaverseType,
          metaverseAttribute,
          objectType: flow.attribute('cd-object-type') ?? '',
          precedence: index + 1,
          mapping: readMapping(flow, metaverseAttribute),
        });
      }
    }
  }
  if (others > 0) notes.add('warning', 'import flows', `the file also holds ${others} import flows of other management agents; they are not this connector's`);
  return flows;
}

function readRecall(metaverse: TrackedElement, agentId: string): boolean | undefined {
  let recall: boolean | undefined;
  for (const options of metaverse.child('import-attribute-flow')?.child('per-ma-options')?.all('ma-options') ?? []) {
    const enabled = parseBoolean(options.textOf('enable-recall'));
    if (normalizeGuid(options.attribute('ma-id') ?? '') === agentId) recall = enabled;
  }
  return recall;
}

/** Reads the mapping of a flow. Constants that go to password-like attributes are removed (mim-xml §8). */
function readMapping(flow: TrackedElement, target: string): RuleMapping {
  const secret = PASSWORD_LIKE.test(target);
  const direct = flow.child('direct-mapping');
  if (direct !== undefined) return { kind: 'direct', sources: readSources(direct) };
  const constant = flow.child('constant-mapping');
  if (constant !== undefined) {
    const value = constant.textOf('constant-value');
    return { kind: 'constant', value: secret && value !== '' ? REMOVED : value };
  }
  const scripted = flow.child('scripted-mapping');
  if (scripted !== undefined) return { kind: 'scripted', rule: scripted.textOf('script-context'), sources: readSources(scripted) };
  const part = flow.child('dn-part-mapping');
  if (part !== undefined) return { kind: 'dn-part', part: Number(part.textOf('dn-part')) || 0 };
  const rule = flow.child('sync-rule-mapping');
  if (rule !== undefined) {
    rule.setAside('reported', 'a copy of a synchronisation rule of the MIM portal: kept in the rules, as it is');
    return {
      kind: 'sync-rule',
      mappingType: rule.attribute('mapping-type') ?? '',
      syncRule: normalizeGuid(rule.attribute('sync-rule-id') ?? ''),
      content: secret ? { name: rule.name, text: REMOVED } : toXmlJson(rule.element),
    };
  }
  return { kind: 'none' };
}

function readSources(mapping: TrackedElement): readonly RuleSource[] {
  return mapping.all('src-attribute').map((source) => ({ attribute: source.text(), intrinsic: parseBoolean(source.attribute('intrinsic')) === true }));
}
