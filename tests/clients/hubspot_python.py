"""hubspot-api-client (Python), unchanged, against the simulated HubSpot."""

import json
import os

import hubspot.crm.associations.v4 as links
import hubspot.crm.associations.v4.schema as link_schema
import hubspot.crm.companies as companies_api
import hubspot.crm.contacts as crm
import hubspot.crm.properties as props
from hubspot import HubSpot
from urllib3.util.retry import Retry

from steps import finish, refused, same, step

URL = os.environ["HUBSPOT_URL"]
TOKEN = os.environ["HUBSPOT_TOKEN"]
CONTACTS = int(os.environ["CONTACTS"])
KEY = "syncline_salesforce_id"

client = HubSpot(access_token=TOKEN, host=URL, base_url=URL)
contacts, companies = client.crm.contacts, client.crm.companies


def body(error):
    return json.loads(error.body)


def told(error):
    """HTTP status and category of a refusal."""
    return error.status, body(error).get("category")


def codes(error):
    """The codes of all the problems that a refusal lists."""
    return [one["code"] for one in body(error)["errors"]]


def new(**properties):
    return crm.SimplePublicObjectInputForCreate(properties=properties, associations=[])


def change(**properties):
    return crm.SimplePublicObjectInput(properties=properties)


def make(**properties):
    return contacts.basic_api.create(new(**properties)).id


# Authentication

with step("a private-app token opens the account"):
    account = client.api_request({"path": "/account-info/v3/details"}).json()
    same((type(account["portalId"]), account["accountType"] != "", account["timeZone"] != ""), (int, True, True))

with step("an unknown token is UnauthorizedException, 401 INVALID_AUTHENTICATION"):
    stranger = HubSpot(access_token="pat-na1-00000000-0000-4000-8000-000000000000", host=URL)
    error = refused(crm.exceptions.UnauthorizedException, stranger.crm.contacts.basic_api.get_page)
    same(told(error), (401, "INVALID_AUTHENTICATION"))
    same(error.headers["x-hubspot-auth-failure"], "401 Unauthorized")

# Properties

definitions = client.crm.properties.core_api

with step("the property list tells types, options, what is read-only and what is unique"):
    have = {one.name: one for one in definitions.get_all("contacts").results}
    same(
        (have["email"].type, have["email"].field_type, have["email"].group_name),
        ("string", "text", "contactinformation"),
    )
    same((have[KEY].has_unique_value, have["email"].hubspot_defined), (True, True))
    same(have["createdate"].modification_metadata.read_only_value, True)
    assert "lead" in [option.value for option in have["lifecyclestage"].options]

with step("a group and a property are made, read by name, changed, and archived"):
    group = props.PropertyGroupCreate(name="loop_group", label="Loop", display_order=-1)
    same(client.crm.properties.groups_api.create("contacts", group).name, "loop_group")
    option = props.OptionInput(label="One", value="one", display_order=0, hidden=False)
    made = props.PropertyCreate(
        name="loop_choice",
        label="Choice",
        type="enumeration",
        field_type="select",
        group_name="loop_group",
        options=[option],
    )
    same(definitions.create("contacts", made).name, "loop_choice")
    same(
        told(refused(props.exceptions.ApiException, lambda: definitions.create("contacts", made))),
        (409, "OBJECT_ALREADY_EXISTS"),
    )
    definitions.update("contacts", "loop_choice", props.PropertyUpdate(label="Selection"))
    read = definitions.get_by_name("contacts", "loop_choice")
    same((read.label, [one.value for one in read.options], read.hubspot_defined), ("Selection", ["one"], False))
    definitions.archive("contacts", "loop_choice")
    gone = refused(props.exceptions.NotFoundException, lambda: definitions.get_by_name("contacts", "loop_choice"))
    same(told(gone), (404, "OBJECT_NOT_FOUND"))

# Lists

with step("the list comes in pages of 100 by id, each with what continues it, and ends without"):
    first = contacts.basic_api.get_page(limit=100, properties=["email", "lastname"])
    second = contacts.basic_api.get_page(limit=100, after=first.paging.next.after)
    ids = [int(one.id) for one in first.results + second.results]
    same((len(set(ids)), ids, len(first.results)), (200, sorted(ids), 100))
    assert "after=" + first.paging.next.after in first.paging.next.link, first.paging.next.link
    everyone = contacts.get_all(properties=["email", "lastname", KEY])
    assert abs(len(everyone) - CONTACTS) < CONTACTS / 5, len(everyone)
    same(len({one.id for one in everyone}), len(everyone))
    same([one.id for one in everyone[:200]], [str(one) for one in ids])
    same(contacts.basic_api.get_page(limit=100, after=str(int(everyone[-1].id) + 1)).paging, None)

with step("a page over 100 is refused"):
    same(
        told(refused(crm.exceptions.ApiException, lambda: contacts.basic_api.get_page(limit=101))),
        (400, "VALIDATION_ERROR"),
    )

# Search: the world's records, which the index knows

patient = HubSpot(
    access_token=TOKEN,
    host=URL,
    retry=Retry(total=5, backoff_factor=0.5, status_forcelist=(429,), allowed_methods=None),
)


def search(api=patient.crm.contacts.search_api, **request):
    return api.do_search(crm.PublicObjectSearchRequest(**request))


def where(name, operator, **value):
    return [crm.FilterGroup(filters=[crm.Filter(property_name=name, operator=operator, **value)])]


with_email = sorted(int(one.id) for one in everyone if one.properties["email"])

with step("search counts what the list holds, in pages of up to 200 that an offset continues"):
    asked = {"filter_groups": where("email", "HAS_PROPERTY"), "sorts": ["hs_object_id"], "properties": ["email"]}
    first = search(limit=200, **asked)
    same((first.total, len(first.results), first.paging.next.after), (len(with_email), 200, "200"))
    second = search(limit=200, after="200", **asked)
    same([int(one.id) for one in first.results + second.results], with_email[:400])

with step("search finds by equality in any case, by list, by token, by range, by two groups"):
    some, other = [one for one in everyone if one.properties["email"]][:2]
    email, more = some.properties["email"], other.properties["email"]
    found = lambda groups, **more: sorted(one.id for one in search(filter_groups=groups, limit=200, **more).results)
    pair = sorted([some.id, other.id])
    same(found(where("email", "EQ", value=email.upper())), [some.id])
    same(found(where("email", "IN", values=[email, more])), pair)
    same(found(where("email", "EQ", value=email) + where("email", "EQ", value=more)), pair)
    same(found(where("hs_object_id", "BETWEEN", value=some.id, high_value=some.id)), [some.id])
    assert some.id in found(where("email", "CONTAINS_TOKEN", value="*@" + email.split("@")[1]))
    same(found(where("email", "EQ", value="nobody@loopback.example")), [])

with step("a bad search is refused: unknown property, 201 a page, past 10,000"):
    for request in (
        {"filter_groups": where("nope", "EQ", value="1")},
        {"filter_groups": where("email", "HAS_PROPERTY"), "limit": 201},
        {"filter_groups": where("email", "HAS_PROPERTY"), "limit": 100, "after": "10000"},
    ):
        same(told(refused(crm.exceptions.ApiException, lambda: search(**request))), (400, "VALIDATION_ERROR"))

with step("searches one right after another soon are 429 SECONDLY, without rate headers"):
    hasty = contacts.search_api
    error = refused(crm.exceptions.ApiException, lambda: [search(hasty, limit=1) for _ in range(12)])
    same((error.status, body(error)["policyName"], body(error)["errorType"]), (429, "SECONDLY", "RATE_LIMIT"))
    same([name for name in error.headers if "ratelimit" in name.lower()], [])

# One record

with step("create answers 201 with an id; the e-mail is lower-cased, and finds the record"):
    ada, status, headers = contacts.basic_api.create_with_http_info(new(email="Ada@Loopback.Example", lastname="Loop"))
    same((status, ada.properties["email"], ada.archived), (201, "ada@loopback.example", False))
    assert ada.created_at == ada.updated_at and ada.properties["hs_object_id"] == ada.id
    assert headers["X-HubSpot-RateLimit-Remaining"].isdigit(), headers
    ada = ada.id
    same(contacts.basic_api.get_by_id("ada@loopback.example", id_property="email").id, ada)

with step("a taken e-mail is 409 CONFLICT, naming the holder"):
    error = refused(crm.exceptions.ApiException, lambda: make(email="ADA@loopback.example"))
    same((*told(error), body(error)["message"]), (409, "CONFLICT", f"Contact already exists. Existing ID: {ada}"))

with step("a taken unique value is 400, naming the holder last"):
    contacts.basic_api.update(ada, change(**{KEY: "003loop1"}))
    error = refused(crm.exceptions.ApiException, lambda: make(lastname="Two", **{KEY: "003LOOP1"}))
    same(told(error), (400, "VALIDATION_ERROR"))
    assert body(error)["message"].endswith(f" {ada} already has that value."), body(error)

with step('update changes what is sent: "" clears, a value never set reads null, history tells both'):
    contacts.basic_api.update(ada, change(jobtitle="CTO", phone="+49 731 1"))
    same(contacts.basic_api.update(ada, change(phone="")).properties["phone"], "")
    have = contacts.basic_api.get_by_id(ada, properties=["jobtitle", "phone", "fax"], properties_with_history=["phone"])
    same([have.properties[name] for name in ("jobtitle", "phone", "fax")], ["CTO", "", None])
    history = have.properties_with_history["phone"]
    same([(one.value, one.source_type) for one in history], [("", "INTEGRATION"), ("+49 731 1", "INTEGRATION")])

with step("a record is found and changed by its unique value, and by the generic objects API"):
    by_key = contacts.basic_api.update("003loop1", change(jobtitle="CIO"), id_property=KEY)
    same((by_key.id, by_key.properties["jobtitle"]), (ada, "CIO"))
    same(client.crm.objects.basic_api.get_by_id("0-1", ada, properties=["jobtitle"]).properties["jobtitle"], "CIO")

with step("a bad record is refused with every problem listed"):
    wrong = dict(nope="1", email="bad@", lifecyclestage="king", createdate="2026-01-01T00:00:00Z")
    error = refused(crm.exceptions.ApiException, lambda: make(**wrong))
    same(told(error), (400, "VALIDATION_ERROR"))
    same(sorted(codes(error)), ["INVALID_EMAIL", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"])

with step("archive answers 204; then 404, and the archived list shows the record with its moment"):
    short = make(lastname="Short-lived")
    same(contacts.basic_api.archive_with_http_info(short)[1], 204)
    same(refused(crm.exceptions.NotFoundException, lambda: contacts.basic_api.get_by_id(short)).status, 404)
    archived = [one for one in contacts.basic_api.get_page(archived=True, limit=100).results if one.id == short]
    same([(one.archived, one.archived_at is not None) for one in archived], [(True, True)])
    same(refused(crm.exceptions.NotFoundException, lambda: contacts.basic_api.get_by_id("1")).status, 404)

# Batches

batch = contacts.batch_api


def creation(*inputs, traced=True):
    made = [
        crm.SimplePublicObjectBatchInputForCreate(
            properties=one, associations=[], object_write_trace_id=f"t{at}" if traced else None
        )
        for at, one in enumerate(inputs)
    ]
    return crm.BatchInputSimplePublicObjectBatchInputForCreate(inputs=made)


def by_name(answer):
    return {one.properties["lastname"]: one for one in answer.results}


with step("a batch is created whole (201)"):
    made, status, _ = batch.create_with_http_info(
        creation({"lastname": "B1"}, {"lastname": "B2", "email": "b2@loopback.example"})
    )
    same((status, made.status, sorted(by_name(made))), (201, "COMPLETE", ["B1", "B2"]))
    b1, b2 = by_name(made)["B1"].id, by_name(made)["B2"].id

with step("with trace ids a bad input fails alone (207); without, the whole batch fails and nothing is made"):
    taken = creation({"lastname": "B3"}, {"lastname": "B4", "email": "b2@loopback.example"})
    answer, status, _ = batch.create_with_http_info(taken)
    same((status, answer.num_errors, sorted(by_name(answer))), (207, 1, ["B3"]))
    same((by_name(answer)["B3"].object_write_trace_id, answer.errors[0].context["objectWriteTraceId"]), ("t0", ["t1"]))
    assert b2 in answer.errors[0].message, answer.errors[0]
    b3 = by_name(answer)["B3"].id
    blind = creation({"lastname": "B5"}, {"lastname": "B6", "email": "b2@loopback.example"}, traced=False)
    same(told(refused(crm.exceptions.ApiException, lambda: batch.create(blind))), (409, "CONFLICT"))
    same([one.properties["lastname"] for one in contacts.basic_api.get_page(after=b3).results], ["B3"])

with step("a batch is read by id: what is missing comes as an error entry (207)"):

    def reading(*wanted, **more):
        inputs = [crm.SimplePublicObjectId(id=one) for one in wanted]
        return crm.BatchReadInputSimplePublicObjectId(
            inputs=inputs, properties=["lastname"], properties_with_history=[], **more
        )

    whole, status, _ = batch.read_with_http_info(reading(b1, b2))
    same((status, sorted(by_name(whole))), (200, ["B1", "B2"]))
    part, status, _ = batch.read_with_http_info(reading(b1, "1", short))
    same((status, list(by_name(part)), part.errors[0].category), (207, ["B1"], "OBJECT_NOT_FOUND"))
    same(sorted(part.errors[0].context["ids"]), sorted(["1", short]))
    by_key = batch.read(reading("003loop1", id_property=KEY))
    same([one.id for one in by_key.results], [ada])

with step("a batch is updated, a missing id fails alone"):
    inputs = [
        crm.SimplePublicObjectBatchInput(id=one, properties={"jobtitle": "CFO"}, object_write_trace_id=trace)
        for one, trace in ((b1, "u1"), (short, "u2"))
    ]
    answer, status, _ = batch.update_with_http_info(crm.BatchInputSimplePublicObjectBatchInput(inputs=inputs))
    same((status, [one.id for one in answer.results]), (207, [b1]))
    same(answer.errors[0].context["objectWriteTraceId"], ["u2"])
    same(contacts.basic_api.get_by_id(b1, properties=["jobtitle"]).properties["jobtitle"], "CFO")

with step("a batch is upserted by the unique property: made and changed are told apart"):

    def upserts(**names):
        inputs = [
            crm.SimplePublicObjectBatchInputUpsert(
                id=key, id_property=KEY, properties={"lastname": name}, object_write_trace_id=key
            )
            for key, name in names.items()
        ]
        return batch.upsert(crm.BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs))

    one, two = upserts(u1="First"), upserts(u1="Prime", u2="Second")
    same([(row.properties["lastname"], row.new) for row in one.results], [("First", True)])
    rows = {row.properties["lastname"]: row for row in two.results}
    same({name: row.new for name, row in rows.items()}, {"Prime": False, "Second": True})
    same(rows["Prime"].id, one.results[0].id)

with step("more than 100 inputs, and one id twice, are refused"):
    many = creation(*[{"lastname": "X"}] * 101)
    same(told(refused(crm.exceptions.ApiException, lambda: batch.create(many))), (400, "VALIDATION_ERROR"))
    twice = crm.BatchInputSimplePublicObjectBatchInput(
        inputs=[crm.SimplePublicObjectBatchInput(id=b1, properties={"jobtitle": "X"})] * 2
    )
    same(told(refused(crm.exceptions.ApiException, lambda: batch.update(twice))), (400, "VALIDATION_ERROR"))

with step("a batch is archived (204)"):
    gone = crm.BatchInputSimplePublicObjectId(inputs=[crm.SimplePublicObjectId(id=b3)])
    same(batch.archive_with_http_info(gone)[1], 204)
    same(refused(crm.exceptions.NotFoundException, lambda: contacts.basic_api.get_by_id(b3)).status, 404)

# Associations

acme = companies.basic_api.create(
    companies_api.SimplePublicObjectInputForCreate(
        properties={"name": "Acme", "domain": "acme.example"}, associations=[]
    )
).id
beta = companies.basic_api.create(
    companies_api.SimplePublicObjectInputForCreate(properties={"name": "Beta"}, associations=[])
).id
single, many = client.crm.associations.v4.basic_api, client.crm.associations.v4.batch_api
labels = client.crm.associations.v4.schema.definitions_api
PLAIN, PRIMARY = 279, 1


def partners(contact):
    """Company id to the labels of its association with the contact."""
    page = single.get_page("contacts", contact, "companies")
    return {one.to_object_id: sorted(kind.label or "" for kind in one.association_types) for one in page.results}


with step("a default association ties both directions; the first company becomes primary"):
    answer = single.create_default("contacts", ada, "companies", acme)
    both = [(one._from.id, one.to.id, one.association_spec.association_type_id) for one in answer.results]
    same(both, [(ada, acme, PLAIN), (acme, ada, 280)])
    single.create_default("contacts", ada, "companies", beta)
    same(partners(ada), {acme: ["", "Primary"], beta: [""]})
    same([one.to_object_id for one in single.get_page("companies", acme, "contacts").results], [ada])
    first = single.get_page("contacts", ada, "companies", limit=1)
    rest = single.get_page("contacts", ada, "companies", limit=1, after=first.paging.next.after)
    same([one.to_object_id for one in first.results + rest.results], [acme, beta])
    same(rest.paging, None)

with step("a labelled association moves the primary company, and the contact's copy of it"):
    primary = links.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=PRIMARY)
    answer = single.create("contacts", ada, "companies", beta, [primary])
    same((answer.from_object_type_id, answer.to_object_id, answer.labels), ("0-1", beta, ["Primary"]))
    same(partners(ada), {acme: [""], beta: ["", "Primary"]})
    same(contacts.basic_api.get_by_id(ada, properties=["associatedcompanyid"]).properties["associatedcompanyid"], beta)
    tied = contacts.basic_api.get_by_id(ada, associations=["companies"]).associations["companies"].results
    same({one.id for one in tied}, {acme, beta})

with step("an association label is made in both directions, listed, used, renamed and removed"):

    def label_names(start, end):
        return {one.label: one.type_id for one in labels.get_all(start, end).results if one.category == "USER_DEFINED"}

    def label(name, there, back):
        wanted = link_schema.PublicAssociationDefinitionCreateRequest(name=name, label=there, inverse_label=back)
        return [one.type_id for one in labels.create("contacts", "companies", wanted).results]

    there, back = label("adviser", "Adviser", "Advised by")
    same(
        (label_names("contacts", "companies"), label_names("companies", "contacts")),
        ({"Adviser": there}, {"Advised by": back}),
    )
    spec = links.AssociationSpec(association_category="USER_DEFINED", association_type_id=there)
    same(single.create("contacts", ada, "companies", acme, [spec]).labels, ["Adviser"])
    same(partners(ada)[acme], ["", "Adviser"])
    kinds = {
        one.label: one.category for one in single.get_page("companies", acme, "contacts").results[0].association_types
    }
    same(kinds, {None: "HUBSPOT_DEFINED", "Advised by": "USER_DEFINED"})
    renamed = link_schema.PublicAssociationDefinitionUpdateRequest(
        association_type_id=there, label="Counsel", inverse_label="Counselled by"
    )
    labels.update("contacts", "companies", renamed)
    same(
        (label_names("contacts", "companies"), label_names("companies", "contacts")),
        ({"Counsel": there}, {"Counselled by": back}),
    )
    other = label("owner", "Owner", "Owned by")
    labels.remove("contacts", "companies", there)
    same(label_names("contacts", "companies"), {"Owner": other[0]})
    same(partners(ada), {acme: [""], beta: ["", "Primary"]})
    third = label("third", "Third", "Third of")
    same(len({*other, *third}), 4)

with step("a batch of associations is made, read (none found is an error entry), unlabelled, archived"):

    def tie(start, end, kind):
        spec = links.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=kind)
        return links.PublicAssociationMultiPost(
            _from=links.PublicObjectId(id=start), to=links.PublicObjectId(id=end), types=[spec]
        )

    def several(*inputs):
        return links.BatchInputPublicAssociationMultiPost(inputs=list(inputs))

    answer, status, _ = many.create_with_http_info(
        "contacts", "companies", several(tie(b1, acme, PLAIN), tie(b1, beta, PRIMARY))
    )
    same((status, [(one.to_object_id, one.labels) for one in answer.results]), (201, [(acme, []), (beta, ["Primary"])]))
    asked = links.BatchInputPublicFetchAssociationsBatchRequest(
        inputs=[links.PublicFetchAssociationsBatchRequest(id=one) for one in (b1, b2)]
    )
    answer, status, _ = many.get_page_with_http_info("contacts", "companies", asked)
    same(
        (status, [(one._from.id, sorted(end.to_object_id for end in one.to)) for one in answer.results]),
        (207, [(b1, sorted([acme, beta]))]),
    )
    error = answer.errors[0]
    same((error.sub_category, error.context["fromObjectId"]), ("crm.associations.NO_ASSOCIATIONS_FOUND", [b2]))
    many.archive_labels("contacts", "companies", several(tie(b1, beta, PRIMARY)))
    same(partners(b1), {acme: [""], beta: [""]})
    end = links.PublicAssociationMultiArchive(_from=links.PublicObjectId(id=b1), to=[links.PublicObjectId(id=acme)])
    _, status, _ = many.archive_with_http_info(
        "contacts", "companies", links.BatchInputPublicAssociationMultiArchive(inputs=[end])
    )
    same((status, partners(b1)), (204, {beta: [""]}))
    plain = links.PublicDefaultAssociationMultiPost(_from=links.PublicObjectId(id=b2), to=links.PublicObjectId(id=acme))
    many.create_default("contacts", "companies", links.BatchInputPublicDefaultAssociationMultiPost(inputs=[plain]))
    same(partners(b2), {acme: ["", "Primary"]})

with step("one association is taken off; a wrong direction, a missing end and the record itself are refused"):
    single.archive("contacts", b2, "companies", acme)
    same(partners(b2), {})
    backwards = links.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=280)
    for end, kind in ((acme, backwards), ("1", primary)):
        error = refused(links.exceptions.ApiException, lambda: single.create("contacts", b2, "companies", end, [kind]))
        same(told(error), (400, "VALIDATION_ERROR"))
    peer = links.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=449)
    error = refused(links.exceptions.ApiException, lambda: single.create("contacts", b2, "contacts", b2, [peer]))
    same(body(error)["message"], f"Object {b2} cannot be associated to itself ({b2})")

with step("a record is created with its associations; one that is missing fails the creation"):

    def beside(company, name):
        end = crm.PublicAssociationsForObject(
            to=crm.PublicObjectId(id=company),
            types=[crm.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=PLAIN)],
        )
        return crm.SimplePublicObjectInputForCreate(properties={"lastname": name}, associations=[end])

    born = contacts.basic_api.create(beside(acme, "Beside")).id
    same(partners(born), {acme: ["", "Primary"]})
    error = refused(crm.exceptions.ApiException, lambda: contacts.basic_api.create(beside("1", "Nowhere")))
    same((*told(error), body(error)["context"]), (400, "VALIDATION_ERROR", {"INVALID_OBJECT_IDS": ["1"]}))

# Merge

with step("merge makes a new record: both old ids lead to it, the first one's values win, associations come"):
    keep = make(email="keep@loopback.example", lastname="Keep", jobtitle="")
    lose = make(email="lose@loopback.example", lastname="Lose", jobtitle="CEO")
    single.create_default("contacts", lose, "companies", acme)
    merged = contacts.basic_api.merge(crm.PublicMergeInput(primary_object_id=keep, object_id_to_merge=lose))
    assert merged.id not in (keep, lose), merged.id
    names = ["lastname", "jobtitle", "email", "hs_merged_object_ids", "hs_additional_emails"]
    for old in (keep, lose, merged.id):
        have = contacts.basic_api.get_by_id(old, properties=names)
        same((old, have.id), (old, merged.id))
    same([have.properties[name] for name in names[:3]], ["Keep", "CEO", "keep@loopback.example"])
    same(sorted(have.properties["hs_merged_object_ids"].split(";")), sorted([keep, lose]))
    same(have.properties["hs_additional_emails"], "lose@loopback.example")
    same(list(partners(merged.id)), [acme])
    again = {one.id for one in contacts.get_all()} | {one.id for one in contacts.get_all(archived=True)}
    same((merged.id in again, again & {keep, lose}), (True, set()))

with step("a merged-away e-mail still belongs to the merged record; merging with itself or nothing is refused"):
    error = refused(crm.exceptions.ApiException, lambda: make(email="lose@loopback.example"))
    same(body(error)["message"], f"Contact already exists. Existing ID: {merged.id}")
    itself = crm.PublicMergeInput(primary_object_id=merged.id, object_id_to_merge=keep)
    same(
        told(refused(crm.exceptions.ApiException, lambda: contacts.basic_api.merge(itself))), (400, "VALIDATION_ERROR")
    )
    nothing = crm.PublicMergeInput(primary_object_id=merged.id, object_id_to_merge="1")
    same(refused(crm.exceptions.NotFoundException, lambda: contacts.basic_api.merge(nothing)).status, 404)

# Owners, pipelines

with step("owners page and are found by id; the deal pipeline has its stages in order"):
    owners = client.crm.owners.get_all()
    assert owners, "the world has owners"
    same(client.crm.owners.owners_api.get_by_id(int(owners[0].id), id_property="id").email, owners[0].email)
    pipeline = client.crm.pipelines.pipelines_api.get_all("deals").results[0]
    stages = [stage.id for stage in sorted(pipeline.stages, key=lambda one: one.display_order)]
    same((pipeline.id, stages[0], stages[-2:]), ("default", "appointmentscheduled", ["closedwon", "closedlost"]))

finish()
