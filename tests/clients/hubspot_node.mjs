// @hubspot/api-client (Node), unchanged, against the simulated HubSpot.
import assert from "node:assert/strict";
import { load, refused, step } from "./steps.mjs";

const { Client } = load("@hubspot/api-client");
const { HUBSPOT_URL: basePath, HUBSPOT_TOKEN: accessToken, CONTACTS } = process.env;
const KEY = "syncline_salesforce_id";
const PLAIN = 279;
const PRIMARY = 1;

const client = new Client({ accessToken, basePath });
const { contacts, companies } = client.crm;
const { basicApi: one, batchApi: batch } = contacts;

/** HTTP status and category of a refusal. */
const told = (error) => [error.code, error.body.category];
const id = (wanted) => ({ id: wanted });
const make = async (properties) => (await one.create({ properties, associations: [] })).id;
const read = async (wanted, ...names) => (await one.getById(wanted, names)).properties;
const sorted = (list) => [...list].sort();

// Authentication

await step("a private-app token opens the account", async () => {
  const account = await (await client.apiRequest({ path: "/account-info/v3/details" })).json();
  assert.equal(typeof account.portalId, "number");
  assert.ok(account.timeZone && account.companyCurrency && account.uiDomain, JSON.stringify(account));
});

await step("an unknown token is 401 INVALID_AUTHENTICATION", async () => {
  const stranger = new Client({ accessToken: "pat-na1-00000000-0000-4000-8000-000000000000", basePath });
  const error = await refused(stranger.crm.contacts.basicApi.getPage());
  assert.deepEqual(told(error), [401, "INVALID_AUTHENTICATION"]);
});

// Properties

const { coreApi: definitions, groupsApi: groups } = client.crm.properties;

await step("the property list tells types, options, what is read-only and what is unique", async () => {
  const { results } = await definitions.getAll("contacts");
  const have = Object.fromEntries(results.map((property) => [property.name, property]));
  assert.deepEqual([have.email.type, have.email.fieldType, have[KEY].hasUniqueValue], ["string", "text", true]);
  assert.equal(have.createdate.modificationMetadata.readOnlyValue, true);
  assert.ok(have.lifecyclestage.options.some((option) => option.value === "lead"));
});

await step("a group and a property are made, read by name, changed, and archived", async () => {
  await groups.create("contacts", { name: "loop_group", label: "Loop", displayOrder: -1 });
  const options = [{ label: "One", value: "one", displayOrder: 0, hidden: false }];
  const made = {
    name: "loop_choice",
    label: "Choice",
    type: "enumeration",
    fieldType: "select",
    groupName: "loop_group",
    options,
  };
  assert.equal((await definitions.create("contacts", made)).name, "loop_choice");
  assert.deepEqual(told(await refused(definitions.create("contacts", made))), [409, "OBJECT_ALREADY_EXISTS"]);
  await definitions.update("contacts", "loop_choice", { label: "Selection" });
  const have = await definitions.getByName("contacts", "loop_choice");
  assert.deepEqual([have.label, have.groupName, have.options[0].value], ["Selection", "loop_group", "one"]);
  await definitions.archive("contacts", "loop_choice");
  const gone = await refused(definitions.getByName("contacts", "loop_choice"));
  assert.deepEqual(told(gone), [404, "OBJECT_NOT_FOUND"]);
});

// Lists

const everyone = await step("the list comes in pages of 100 by id, and getAll walks them to the end", async () => {
  const first = await one.getPage(100);
  const second = await one.getPage(100, first.paging.next.after);
  const all = await contacts.getAll(undefined, undefined, ["email"]);
  assert.ok(Math.abs(all.length - CONTACTS) < CONTACTS / 5, `${all.length}`);
  assert.equal(new Set(all.map((record) => record.id)).size, all.length);
  const ids = [...first.results, ...second.results].map((record) => record.id);
  assert.deepEqual(
    all.slice(0, 200).map((record) => record.id),
    ids,
  );
  assert.deepEqual(
    ids.map(Number),
    ids.map(Number).sort((a, b) => a - b),
  );
  assert.deepEqual(told(await refused(one.getPage(101))), [400, "VALIDATION_ERROR"]);
  return all;
});

// Search: the world's records, which the index knows. The client waits and asks again where it meets the limit.

const patient = new Client({ accessToken, basePath, numberOfApiCallRetries: 3 }).crm.contacts.searchApi;
console.error = () => {}; // where it tells of each wait
const where = (propertyName, operator, value) => [{ filters: [{ propertyName, operator, ...value }] }];
const search = (request) => patient.doSearch({ limit: 10, ...request });

await step("search counts what the list holds, in pages of up to 200 that an offset continues", async () => {
  const want = everyone.filter((record) => record.properties.email).map((record) => Number(record.id));
  const asked = { filterGroups: where("email", "HAS_PROPERTY"), sorts: ["hs_object_id"], limit: 200 };
  const first = await search(asked);
  assert.deepEqual([first.total, first.results.length, first.paging.next.after], [want.length, 200, "200"]);
  const second = await search({ ...asked, after: "200" });
  assert.deepEqual(
    [...first.results, ...second.results].map((record) => Number(record.id)),
    want.slice(0, 400),
  );
});

await step("search finds by equality in any case, by list and by two groups", async () => {
  const [some, other] = everyone.filter((record) => record.properties.email);
  const [email, more] = [some, other].map((record) => record.properties.email);
  const found = async (filterGroups) => (await search({ filterGroups })).results.map((record) => record.id).sort();
  const pair = sorted([some.id, other.id]);
  assert.deepEqual(await found(where("email", "EQ", { value: email.toUpperCase() })), [some.id]);
  assert.deepEqual(await found(where("email", "IN", { values: [email, more] })), pair);
  const either = [...where("email", "EQ", { value: email }), ...where("email", "EQ", { value: more })];
  assert.deepEqual(await found(either), pair);
});

await step("searches at once meet the limit of five a second; the client's own retries get them through", async () => {
  const hasty = contacts.searchApi;
  const met = await Promise.allSettled(Array.from({ length: 12 }, () => hasty.doSearch({ limit: 1 })));
  const errors = met.filter((end) => end.status === "rejected").map((end) => end.reason);
  assert.ok(errors.length >= 7, `${errors.length} refused`);
  assert.deepEqual([errors[0].code, errors[0].body.policyName], [429, "SECONDLY"]);
  const answers = await Promise.all(Array.from({ length: 7 }, () => search({ limit: 1 })));
  assert.equal(answers.length, 7);
});

await step("a bad search is refused: unknown property, 201 a page", async () => {
  for (const request of [{ filterGroups: where("nope", "EQ", { value: "1" }) }, { limit: 201 }]) {
    assert.deepEqual(told(await refused(search(request))), [400, "VALIDATION_ERROR"]);
  }
});

// One record

const ada = await step("create answers with an id; the e-mail is lower-cased, and finds the record", async () => {
  const made = await one.create({ properties: { email: "Ada@Loopback.Example", lastname: "Loop" }, associations: [] });
  assert.deepEqual([made.properties.email, made.archived], ["ada@loopback.example", false]);
  assert.ok(made.createdAt instanceof Date && made.createdAt.getTime() === made.updatedAt.getTime());
  const found = await one.getById("ada@loopback.example", ["email"], undefined, undefined, false, "email");
  assert.equal(found.id, made.id);
  return made.id;
});

await step("a taken e-mail is 409 CONFLICT, a taken unique value 400, both naming the holder", async () => {
  const email = await refused(make({ email: "ADA@loopback.example" }));
  assert.deepEqual(told(email), [409, "CONFLICT"]);
  assert.equal(email.body.message, `Contact already exists. Existing ID: ${ada}`);
  await one.update(ada, { properties: { [KEY]: "003loop1" } });
  const unique = await refused(make({ lastname: "Two", [KEY]: "003LOOP1" }));
  assert.deepEqual(told(unique), [400, "VALIDATION_ERROR"]);
  assert.ok(unique.body.message.endsWith(` ${ada} already has that value.`), unique.body.message);
});

await step('update changes what is sent: "" clears, a value never set reads null, history tells both', async () => {
  await one.update(ada, { properties: { jobtitle: "CTO", phone: "+49 731 1" } });
  await one.update(ada, { properties: { phone: "" } });
  const have = await one.getById(ada, ["jobtitle", "phone", "fax"], ["phone"]);
  const { jobtitle, phone, fax } = have.properties;
  assert.deepEqual([jobtitle, phone, fax], ["CTO", "", null]);
  const history = have.propertiesWithHistory.phone.map((version) => [version.value, version.sourceType]);
  assert.deepEqual(history, [
    ["", "INTEGRATION"],
    ["+49 731 1", "INTEGRATION"],
  ]);
});

await step("a bad record is refused with every problem listed", async () => {
  const error = await refused(make({ nope: "1", email: "bad@", lifecyclestage: "king", hs_object_id: "7" }));
  assert.deepEqual(told(error), [400, "VALIDATION_ERROR"]);
  const codes = error.body.errors.map((problem) => problem.code);
  assert.deepEqual(sorted(codes), ["INVALID_EMAIL", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"]);
});

const short = await step("archive removes; then 404, and the archived list shows the record", async () => {
  const made = await make({ lastname: "Short-lived" });
  await one.archive(made);
  assert.equal((await refused(one.getById(made))).code, 404);
  const { results } = await one.getPage(100, undefined, undefined, undefined, undefined, true);
  const found = results.filter((record) => record.id === made);
  assert.deepEqual(
    found.map((record) => [record.archived, record.archivedAt instanceof Date]),
    [[true, true]],
  );
  return made;
});

// Batches

const traced = (...list) => ({
  inputs: list.map((properties, at) => ({ properties, associations: [], objectWriteTraceId: `t${at}` })),
});
const named = (answer) => Object.fromEntries(answer.results.map((record) => [record.properties.lastname, record]));
let b1, b2, b3;

await step("a batch is created; with trace ids a bad input fails alone, without the whole batch fails", async () => {
  const whole = await batch.createWithHttpInfo(
    traced({ lastname: "B1" }, { lastname: "B2", email: "b2@loopback.example" }),
  );
  assert.deepEqual([whole.httpStatusCode, Object.keys(named(whole.data)).sort()], [201, ["B1", "B2"]]);
  [b1, b2] = ["B1", "B2"].map((name) => named(whole.data)[name].id);
  const inputs = [{ lastname: "B3" }, { lastname: "B4", email: "b2@loopback.example" }];
  const part = await batch.createWithHttpInfo(traced(...inputs));
  assert.deepEqual([part.httpStatusCode, part.data.numErrors, Object.keys(named(part.data))], [207, 1, ["B3"]]);
  assert.deepEqual(part.data.errors[0].context.objectWriteTraceId, ["t1"]);
  b3 = named(part.data).B3.id;
  const blind = { inputs: inputs.map((properties) => ({ properties, associations: [] })) };
  assert.deepEqual(told(await refused(batch.create(blind))), [409, "CONFLICT"]);
});

await step("a batch is read by id and by unique property; what is missing is an error entry", async () => {
  const asked = { inputs: [b1, "1", short].map(id), properties: ["lastname"], propertiesWithHistory: [] };
  const part = await batch.readWithHttpInfo(asked);
  assert.deepEqual([part.httpStatusCode, Object.keys(named(part.data))], [207, ["B1"]]);
  assert.equal(part.data.errors[0].category, "OBJECT_NOT_FOUND");
  assert.deepEqual(sorted(part.data.errors[0].context.ids), sorted(["1", short]));
  const keyed = await batch.read({ ...asked, inputs: [id("003loop1")], idProperty: KEY });
  assert.deepEqual(
    keyed.results.map((record) => record.id),
    [ada],
  );
});

await step("a batch is updated, a missing id fails alone; one id twice and 101 inputs are refused", async () => {
  const input = (wanted, objectWriteTraceId) => ({ id: wanted, properties: { jobtitle: "CFO" }, objectWriteTraceId });
  const part = await batch.updateWithHttpInfo({ inputs: [input(b1, "u1"), input(short, "u2")] });
  assert.deepEqual([part.httpStatusCode, part.data.results.map((record) => record.id)], [207, [b1]]);
  assert.deepEqual(part.data.errors[0].context.objectWriteTraceId, ["u2"]);
  assert.equal((await read(b1, "jobtitle")).jobtitle, "CFO");
  const twice = { inputs: [input(b1), input(b1)] };
  const many = traced(...Array(101).fill({ lastname: "X" }));
  assert.deepEqual(told(await refused(batch.update(twice))), [400, "VALIDATION_ERROR"]);
  assert.deepEqual(told(await refused(batch.create(many))), [400, "VALIDATION_ERROR"]);
});

await step("a batch is upserted by the unique property: made and changed are told apart", async () => {
  const upsert = (...pairs) =>
    batch.upsert({ inputs: pairs.map(([key, lastname]) => ({ id: key, idProperty: KEY, properties: { lastname } })) });
  const first = await upsert(["u1", "First"]);
  const second = named(await upsert(["u1", "Prime"], ["u2", "Second"]));
  assert.deepEqual([first.results[0]._new, second.Prime._new, second.Second._new], [true, false, true]);
  assert.equal(second.Prime.id, first.results[0].id);
});

await step("a batch is archived", async () => {
  assert.equal((await batch.archiveWithHttpInfo({ inputs: [id(b3)] })).httpStatusCode, 204);
  assert.equal((await refused(one.getById(b3))).code, 404);
});

// Associations

const company = async (name) => (await companies.basicApi.create({ properties: { name }, associations: [] })).id;
const [acme, beta] = [await company("Acme"), await company("Beta")];
const { basicApi: single, batchApi: many } = client.crm.associations.v4;
const labels = client.crm.associations.v4.schema.definitionsApi;
const defined = (associationTypeId, associationCategory = "HUBSPOT_DEFINED") => ({
  associationCategory,
  associationTypeId,
});

/** Company id to the labels of its association with the contact. */
async function partners(contact) {
  const { results } = await single.getPage("contacts", contact, "companies");
  return Object.fromEntries(
    results.map((end) => [end.toObjectId, end.associationTypes.map((kind) => kind.label ?? "").sort()]),
  );
}

await step(
  "a default association ties both directions; the first company is primary until a label moves that",
  async () => {
    const { results } = await single.createDefault("contacts", ada, "companies", acme);
    const both = results.map((end) => [end._from.id, end.to.id, end.associationSpec.associationTypeId]);
    assert.deepEqual(both, [
      [ada, acme, PLAIN],
      [acme, ada, 280],
    ]);
    await single.createDefault("contacts", ada, "companies", beta);
    assert.deepEqual(await partners(ada), { [acme]: ["", "Primary"], [beta]: [""] });
    const answer = await single.create("contacts", ada, "companies", beta, [defined(PRIMARY)]);
    assert.deepEqual([answer.fromObjectTypeId, String(answer.toObjectId), answer.labels], ["0-1", beta, ["Primary"]]);
    assert.deepEqual(await partners(ada), { [acme]: [""], [beta]: ["", "Primary"] });
    assert.equal((await read(ada, "associatedcompanyid")).associatedcompanyid, beta);
  },
);

await step("an association label is made in both directions, listed, used, renamed and removed", async () => {
  const listed = async (from, to) => {
    const { results } = await labels.getAll(from, to);
    return results.filter((label) => label.category === "USER_DEFINED").map((label) => [label.typeId, label.label]);
  };
  const wanted = { name: "adviser", label: "Adviser", inverseLabel: "Advised by" };
  const [there, back] = (await labels.create("contacts", "companies", wanted)).results.map((label) => label.typeId);
  assert.deepEqual(await listed("contacts", "companies"), [[there, "Adviser"]]);
  assert.deepEqual(await listed("companies", "contacts"), [[back, "Advised by"]]);
  const answer = await single.create("contacts", ada, "companies", acme, [defined(there, "USER_DEFINED")]);
  assert.deepEqual([answer.labels, (await partners(ada))[acme]], [["Adviser"], ["", "Adviser"]]);
  await labels.update("contacts", "companies", {
    associationTypeId: there,
    label: "Counsel",
    inverseLabel: "Counselled by",
  });
  assert.deepEqual(await listed("companies", "contacts"), [[back, "Counselled by"]]);
  assert.deepEqual((await partners(ada))[acme], ["", "Counsel"]);
  await labels.remove("contacts", "companies", there);
  assert.deepEqual(await listed("contacts", "companies"), []);
  assert.deepEqual((await partners(ada))[acme], [""]);
});

await step("a batch of associations is made, read (none found is an error entry), unlabelled, archived", async () => {
  const tie = (to, kind) => ({ _from: id(b1), to: id(to), types: [defined(kind)] });
  const made = await many.createWithHttpInfo("contacts", "companies", {
    inputs: [tie(acme, PLAIN), tie(beta, PRIMARY)],
  });
  assert.deepEqual([made.httpStatusCode, made.data.results.map((end) => end.labels)], [201, [[], ["Primary"]]]);
  const found = await many.getPageWithHttpInfo("contacts", "companies", { inputs: [id(b1), id(b2)] });
  assert.equal(found.httpStatusCode, 207);
  const ends = found.data.results.map((row) => [row._from.id, row.to.map((end) => String(end.toObjectId)).sort()]);
  assert.deepEqual(ends, [[b1, sorted([acme, beta])]]);
  const [error] = found.data.errors;
  assert.deepEqual([error.subCategory, error.context.fromObjectId], ["crm.associations.NO_ASSOCIATIONS_FOUND", [b2]]);
  await many.archiveLabels("contacts", "companies", { inputs: [tie(beta, PRIMARY)] });
  assert.deepEqual(await partners(b1), { [acme]: [""], [beta]: [""] });
  await many.archive("contacts", "companies", { inputs: [{ _from: id(b1), to: [id(acme)] }] });
  assert.deepEqual(await partners(b1), { [beta]: [""] });
  await many.createDefault("contacts", "companies", { inputs: [{ _from: id(b2), to: id(acme) }] });
  assert.deepEqual(await partners(b2), { [acme]: ["", "Primary"] });
});

await step("one association is taken off; a wrong direction and a missing end are refused", async () => {
  await single.archive("contacts", b2, "companies", acme);
  assert.deepEqual(await partners(b2), {});
  const backwards = single.create("contacts", b2, "companies", acme, [defined(280)]);
  assert.deepEqual(told(await refused(backwards)), [400, "VALIDATION_ERROR"]);
  const nowhere = single.create("contacts", b2, "companies", "1", [defined(PLAIN)]);
  assert.deepEqual(told(await refused(nowhere)), [400, "VALIDATION_ERROR"]);
});

// Merge

await step(
  "merge makes a new record: both old ids lead to it, the first one's values win, associations come",
  async () => {
    const keep = await make({ email: "keep@loopback.example", lastname: "Keep" });
    const lose = await make({ email: "lose@loopback.example", lastname: "Lose", jobtitle: "CEO" });
    await single.createDefault("contacts", lose, "companies", acme);
    const merged = (await one.merge({ primaryObjectId: keep, objectIdToMerge: lose })).id;
    assert.ok(![keep, lose].includes(merged), merged);
    for (const old of [keep, lose, merged]) {
      const have = await one.getById(old, ["lastname", "jobtitle", "email", "hs_merged_object_ids"]);
      const { lastname, jobtitle, email, hs_merged_object_ids } = have.properties;
      assert.deepEqual([have.id, lastname, jobtitle, email], [merged, "Keep", "CEO", "keep@loopback.example"]);
      assert.deepEqual(sorted(hs_merged_object_ids.split(";")), sorted([keep, lose]));
    }
    const both = await batch.read({ inputs: [id(keep), id(lose)], properties: [], propertiesWithHistory: [] });
    assert.deepEqual([...new Set(both.results.map((record) => record.id))], [merged]);
    assert.deepEqual(Object.keys(await partners(merged)), [acme]);
    const taken = await refused(make({ email: "lose@loopback.example" }));
    assert.equal(taken.body.message, `Contact already exists. Existing ID: ${merged}`);
    const itself = await refused(one.merge({ primaryObjectId: merged, objectIdToMerge: keep }));
    assert.deepEqual(told(itself), [400, "VALIDATION_ERROR"]);
    assert.equal((await refused(one.merge({ primaryObjectId: merged, objectIdToMerge: "1" }))).code, 404);
  },
);

// Owners, pipelines

await step("owners page and are found by id; the deal pipeline has its stages in order", async () => {
  const page = await client.crm.owners.ownersApi.getPage(undefined, undefined, 1);
  assert.equal(page.results.length, 1);
  const [owner] = page.results;
  assert.equal((await client.crm.owners.ownersApi.getById(Number(owner.id), "id")).email, owner.email);
  const next = await client.crm.owners.ownersApi.getPage(undefined, page.paging.next.after, 1);
  assert.notEqual(next.results[0].id, owner.id);
  const [pipeline] = (await client.crm.pipelines.pipelinesApi.getAll("deals")).results;
  const stages = pipeline.stages.sort((a, b) => a.displayOrder - b.displayOrder).map((stage) => stage.id);
  assert.deepEqual(
    [pipeline.id, stages[0], ...stages.slice(-2)],
    ["default", "appointmentscheduled", "closedwon", "closedlost"],
  );
});
