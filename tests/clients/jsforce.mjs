// jsforce, unchanged, against the simulated Salesforce.
import assert from "node:assert/strict";
import { load, refused, step } from "./steps.mjs";

const { Connection, SfDate } = load("jsforce");
const env = process.env;
const base = env.SALESFORCE_URL;
const KEY = "Syncline_HubSpot_Id__c";
const app = (secret = env.SALESFORCE_CLIENT_SECRET) => ({
  loginUrl: base,
  clientId: env.SALESFORCE_CLIENT_ID,
  clientSecret: secret,
});
const grant = { grant_type: "client_credentials" };
const ids = (records) => records.map((record) => record.Id);
const verdicts = (rows) => rows.map((row) => row.success || row.errors[0].statusCode);

// Authentication

const conn = new Connection({ version: "68.0", oauth2: app() });

await step("client credentials give a token, the address, and the user and org behind it", async () => {
  const user = await conn.authorize(grant);
  assert.equal(conn.instanceUrl, base);
  assert.match(user.id, /^005\w{15}$/);
  assert.match(user.organizationId, /^00D\w{15}$/);
  assert.equal(conn.accessToken.split("!")[0], user.organizationId.slice(0, 15));
  const identity = await conn.identity();
  assert.deepEqual([identity.user_id, identity.organization_id], [user.id, user.organizationId]);
});

await step("a wrong secret is refused as invalid_client", async () => {
  const other = new Connection({ oauth2: app("wrong") });
  const error = await refused(other.authorize(grant));
  assert.deepEqual([error.name, error.message], ["invalid_client", "invalid client credentials"]);
});

await step("a dead token is INVALID_SESSION_ID, and replaced once where the connection knows how", async () => {
  const dead = { instanceUrl: base, accessToken: "00D000000000000!stale" };
  assert.equal((await refused(new Connection(dead).describeGlobal())).errorCode, "INVALID_SESSION_ID");
  let asked = 0;
  const refreshFn = (_, done) => {
    asked += 1;
    new Connection({ oauth2: app() }).oauth2.requestToken(grant).then((got) => done(null, got.access_token), done);
  };
  const healed = new Connection({ ...dead, refreshFn });
  assert.equal((await healed.query("SELECT Id FROM Organization")).totalSize, 1);
  assert.equal(asked, 1);
});

await step("the API version that the library itself defaults to is answered as well", async () => {
  const plain = new Connection({ instanceUrl: base, accessToken: env.SALESFORCE_TOKEN });
  assert.notEqual(plain.version, "68.0");
  assert.equal((await plain.query("SELECT Id FROM User WHERE Username = 'sync@acme.example'")).totalSize, 1);
});

// Describe

await step("describeGlobal lists the objects with their key prefixes", async () => {
  const { sobjects, maxBatchSize } = await conn.describeGlobal();
  const prefix = Object.fromEntries(sobjects.map((one) => [one.name, one.keyPrefix]));
  assert.deepEqual([prefix.Contact, prefix.Account, prefix.Lead, maxBatchSize], ["003", "001", "00Q", 200]);
});

await step("describe tells what is required, what is an external id, which values a picklist has", async () => {
  const contact = Object.fromEntries((await conn.describe("Contact")).fields.map((field) => [field.name, field]));
  assert.deepEqual([contact.LastName.nillable, contact.LastName.length], [false, 80]);
  assert.deepEqual([contact[KEY].externalId, contact[KEY].unique, contact.Email.idLookup], [true, true, true]);
  const account = Object.fromEntries((await conn.describe("Account")).fields.map((field) => [field.name, field]));
  assert.equal(account.Industry.restrictedPicklist, true);
  const values = account.Industry.picklistValues;
  assert.ok(
    values.some((one) => one.value === "Technology" && one.active),
    JSON.stringify(values),
  );
});

// Query

const total = await step(
  "a query of more than 2,000 rows comes in pages; queryMore and autoFetch walk them",
  async () => {
    const { totalSize } = await conn.query("SELECT COUNT() FROM Contact");
    const soql = "SELECT Id FROM Contact ORDER BY Id";
    const first = await conn.query(soql);
    assert.deepEqual([first.totalSize, first.done, first.records.length], [totalSize, false, 2000]);
    const rest = await conn.queryMore(first.nextRecordsUrl);
    assert.deepEqual([rest.done, rest.records.length], [true, totalSize - 2000]);
    const walked = await conn.query(soql, { autoFetch: true, maxFetch: 10_000 });
    assert.deepEqual(ids(walked.records), ids([...first.records, ...rest.records]));
    assert.equal(new Set(ids(walked.records)).size, totalSize);
    return totalSize;
  },
);

await step("the record stream walks pages of 200 to the end", async () => {
  const headers = { "Sforce-Query-Options": "batchSize=200" };
  assert.equal((await conn.query("SELECT Id FROM Contact", { headers })).records.length, 200);
  const seen = new Set();
  const query = conn.query("SELECT Id FROM Contact", { headers, autoFetch: true, maxFetch: 10_000 });
  await new Promise((done, failed) => {
    query
      .on("record", (record) => seen.add(record.Id))
      .on("end", done)
      .on("error", failed)
      .run();
  });
  assert.equal(seen.size, total);
});

await step("a bad query is refused by its cause: syntax, column, object, locator", async () => {
  const refusals = {
    "SELECT Id FROM Contact WHERE": "MALFORMED_QUERY",
    "SELECT Nope FROM Contact": "INVALID_FIELD",
    "SELECT Id FROM Contakt": "INVALID_TYPE",
  };
  for (const [soql, want] of Object.entries(refusals)) {
    assert.equal((await refused(conn.query(soql))).errorCode, want, soql);
  }
  const error = await refused(conn.queryMore("0r8000000000000AAA-2000"));
  assert.equal(error.errorCode, "INVALID_QUERY_LOCATOR");
});

// One record

const contacts = conn.sobject("Contact");
const accounts = conn.sobject("Account");
const hostile = `O'Hara 50% "off"`; // no backslash: jsforce 3.10 quotes none
let company, person;

await step("create answers with an id, retrieve gives the values back", async () => {
  company = (await accounts.create({ Name: "Loopback Ltd", Industry: "Technology" })).id;
  const made = await contacts.create({ LastName: hostile, Email: "ohara@loopback.example", AccountId: company });
  assert.deepEqual([made.success, made.errors], [true, []]);
  assert.match(made.id, /^003\w{15}$/);
  person = made.id;
  const have = await contacts.retrieve(person);
  assert.equal(have.attributes.url, `/services/data/v68.0/sobjects/Contact/${person}`);
  assert.deepEqual([have.LastName, have.AccountId, have.Title], [hostile, company, null]);
});

await step("find builds conditions, quotes hostile text, reads parents; include reads children", async () => {
  const since = SfDate.toDateTimeLiteral(new Date(Date.now() - 3_600_000));
  const found = await contacts.find({ LastName: hostile, CreatedDate: { $gte: since } }, "Id, Account.Name");
  assert.deepEqual(
    found.map((one) => [one.Id, one.Account.Name]),
    [[person, "Loopback Ltd"]],
  );
  const family = await accounts.find({ Id: company }, "Name").include("Contacts").select("Id").end();
  assert.deepEqual([family[0].Name, ids(family[0].Contacts.records)], ["Loopback Ltd", [person]]);
  assert.equal(await contacts.count({ Id: { $in: [person] } }), 1);
  assert.equal(await contacts.findOne({ LastName: "nobody of that name" }), null);
});

await step("update changes, null clears", async () => {
  const answer = await contacts.update({ Id: person, Title: "CTO", Phone: "+49 731 1" });
  assert.deepEqual(answer, { id: person, success: true, errors: [] });
  await contacts.record(person).update({ Phone: null });
  const have = await contacts.retrieve(person);
  assert.deepEqual([have.Title, have.Phone], ["CTO", null]);
});

await step("a bad record is refused by its cause, with the field named", async () => {
  const refusals = [
    [{ FirstName: "Ada" }, "REQUIRED_FIELD_MISSING", ["LastName"]],
    [{ LastName: "X".repeat(81) }, "STRING_TOO_LONG", ["LastName"]],
    [{ LastName: "X", Email: "bad" }, "INVALID_EMAIL_ADDRESS", ["Email"]],
    [{ LastName: "X", Nope: "1" }, "INVALID_FIELD", undefined],
  ];
  for (const [values, want, fields] of refusals) {
    const error = await refused(contacts.create(values));
    assert.equal(error.errorCode, want);
    if (fields) assert.deepEqual(error.data.fields, fields);
  }
  const error = await refused(accounts.create({ Name: "X", Industry: "Alchemy" }));
  assert.equal(error.errorCode, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
});

await step("the duplicate rule refuses a second such contact until allowSave=true is sent", async () => {
  const twin = { FirstName: "Ada", LastName: "Loop", Email: "ada@loopback.example" };
  const first = await contacts.create(twin);
  const error = await refused(contacts.create(twin));
  assert.equal(error.errorCode, "DUPLICATES_DETECTED");
  const matches = error.data.duplicateResut.matchResults[0].matchRecords;
  assert.deepEqual(
    matches.map((match) => match.record.Id),
    [first.id],
  );
  const headers = { "Sforce-Duplicate-Rule-Header": "allowSave=true" };
  const second = await contacts.create(twin, { headers });
  assert.ok(second.success && second.id !== first.id);
});

await step("destroy removes; then NOT_FOUND, ENTITY_IS_DELETED, and scanAll still shows the row", async () => {
  assert.deepEqual(await contacts.destroy(person), { id: person, success: true, errors: [] });
  assert.equal((await refused(contacts.retrieve(person))).errorCode, "NOT_FOUND");
  assert.equal((await refused(contacts.destroy(person))).errorCode, "ENTITY_IS_DELETED");
  const soql = `SELECT Id, IsDeleted FROM Contact WHERE Id = '${person}'`;
  assert.equal((await conn.query(soql)).totalSize, 0);
  const all = await conn.query(soql, { scanAll: true });
  assert.deepEqual(
    all.records.map((one) => one.IsDeleted),
    [true],
  );
});

// External ids

let born;

await step("upsert by external id makes the record once and then changes it", async () => {
  born = await contacts.upsert({ LastName: "One", [KEY]: "loop-1" }, KEY);
  const again = await contacts.upsert({ LastName: "Uno", [KEY]: "loop-1" }, KEY);
  assert.deepEqual([born.created, again.created, again.id], [true, false, born.id]);
  const have = await contacts.retrieve(born.id);
  assert.deepEqual([have.LastName, have[KEY]], ["Uno", "loop-1"]);
});

await step("a taken external id is DUPLICATE_VALUE, naming the holder; an unknown key field NOT_FOUND", async () => {
  const error = await refused(contacts.create({ LastName: "Two", [KEY]: "loop-1" }));
  assert.equal(error.errorCode, "DUPLICATE_VALUE");
  assert.ok(error.message.includes(born.id.slice(0, 15)), error.message);
  const unknown = await refused(contacts.upsert({ LastName: "X", Namez: "1" }, "Namez"));
  assert.equal(unknown.errorCode, "NOT_FOUND");
});

await step("an upsert that two records match is MULTIPLE_CHOICES and writes nothing", async () => {
  const error = await refused(contacts.upsert({ Title: "X", Email: "ada@loopback.example" }, "Email"));
  assert.equal(error.errorCode, "MULTIPLE_CHOICES");
  assert.equal(error.data.length, 2, "the addresses of both");
  const titles = await contacts.find({ Email: "ada@loopback.example" }, "Title");
  assert.deepEqual(
    titles.map((one) => one.Title),
    [null, null],
  );
});

// Collections and composite

let row;

await step("a collection is created row by row; with allOrNone the good rows are rolled back", async () => {
  const rows = [{ LastName: "Row 1" }, { FirstName: "no last name" }, { LastName: "Row 3", Email: "bad" }];
  const made = await contacts.create(rows);
  assert.deepEqual(verdicts(made), [true, "REQUIRED_FIELD_MISSING", "INVALID_EMAIL_ADDRESS"]);
  row = made[0].id;
  const rolled = await contacts.create(rows, { allOrNone: true });
  assert.equal(verdicts(rolled)[0], "ALL_OR_NONE_OPERATION_ROLLED_BACK");
  assert.equal(await contacts.count({ LastName: "Row 1" }), 1);
});

await step("a collection is upserted by external id: created and changed told apart in input order", async () => {
  const keyed = [
    { LastName: "Uno", [KEY]: "loop-1" },
    { LastName: "Duo", [KEY]: "loop-2" },
    { LastName: "", [KEY]: "loop-3" },
  ];
  const rows = await contacts.upsert(keyed, KEY);
  assert.deepEqual(verdicts(rows), [true, true, "REQUIRED_FIELD_MISSING"]);
  assert.deepEqual([rows[0].created, rows[0].id, rows[1].created], [false, born.id, true]);
});

await step("a collection is updated, read back in the order asked (null for a missing id), and destroyed", async () => {
  const both = [row, born.id];
  const updated = await contacts.update(both.map((Id) => ({ Id, Title: "CFO" })));
  assert.deepEqual(
    updated.map((one) => [one.id, one.success]),
    both.map((id) => [id, true]),
  );
  const have = await contacts.retrieve([born.id, person, row], { fields: ["Id", "Title"] });
  assert.deepEqual(
    have.map((one) => one && [one.Id, one.Title]),
    [[born.id, "CFO"], null, [row, "CFO"]],
  );
  assert.deepEqual(verdicts(await contacts.destroy([...both, person])), [true, true, "ENTITY_IS_DELETED"]);
});

await step("allowRecursive splits 401 rows into collections of 200; without it EXCEEDED_ID_LIMIT", async () => {
  const rows = Array.from({ length: 401 }, (_, n) => ({ LastName: `Many ${n}` }));
  assert.equal((await refused(contacts.create(rows))).errorCode, "EXCEEDED_ID_LIMIT");
  const made = await contacts.create(rows, { allowRecursive: true });
  assert.equal(new Set(made.map((one) => one.id)).size, 401);
  assert.equal(await contacts.count({ LastName: { $like: "Many %" } }), 401);
  const gone = await contacts.destroy(
    made.map((one) => one.id),
    { allowRecursive: true },
  );
  assert.ok(gone.every((one) => one.success));
});

await step("a query updates and destroys what it finds", async () => {
  await contacts.create(["Found 1", "Found 2"].map((LastName) => ({ LastName })));
  const found = () => contacts.find({ LastName: { $like: "Found _" } });
  const updated = await found().update({ Title: "T of ${LastName}" });
  assert.deepEqual(verdicts(updated), [true, true]);
  const titles = (await found()).map((one) => one.Title).sort();
  assert.deepEqual(titles, ["T of Found 1", "T of Found 2"]);
  assert.deepEqual(verdicts(await found().destroy()), [true, true]);
  assert.equal(await contacts.count({ LastName: { $like: "Found _" } }), 0);
});

await step("composite passes an id on, and rolls all back when one part fails", async () => {
  const part = (path, referenceId, body) => ({
    method: "POST",
    url: `/services/data/v68.0/${path}`,
    referenceId,
    body,
  });
  const account = part("sobjects/Account", "company", { Name: "Composite Ltd" });
  const good = part("sobjects/Contact", "person", { LastName: "Part", AccountId: "@{company.id}" });
  const send = (...parts) => conn.requestPost("/composite", { allOrNone: true, compositeRequest: parts });
  const [first, second] = (await send(account, good)).compositeResponse;
  assert.deepEqual([first.httpStatusCode, second.httpStatusCode], [201, 201]);
  assert.equal((await contacts.retrieve(second.body.id)).AccountId, first.body.id);
  const bad = part("sobjects/Contact", "person", { AccountId: "@{company.id}" });
  const codes = (await send(account, bad)).compositeResponse.map((one) => one.body[0].errorCode);
  assert.deepEqual(codes, ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]);
  assert.equal(await accounts.count({ Name: "Composite Ltd" }), 1);
});

// Replication, limits

await step("updated and deleted list the ids of the last hour", async () => {
  const window = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 120_000)];
  const updated = await contacts.updated(...window);
  const deleted = await contacts.deleted(...window);
  assert.ok(updated.ids.length > 0 && !updated.ids.includes(person) && updated.latestDateCovered);
  const gone = deleted.deletedRecords.map((one) => one.id);
  assert.equal(gone.length, 406);
  assert.ok([person, row, born.id].every((id) => gone.includes(id)));
});

await step("limits and the usage header agree; an unknown resource is NOT_FOUND", async () => {
  const daily = (await conn.limits()).DailyApiRequests;
  assert.deepEqual(conn.limitInfo.apiUsage, { used: daily.Max - daily.Remaining, limit: daily.Max });
  assert.equal((await refused(conn.requestGet("/nowhere"))).errorCode, "NOT_FOUND");
});
