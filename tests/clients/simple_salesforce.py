"""simple-salesforce, unchanged, against the simulated Salesforce."""

import os
import sys

# This file has the library's own name: what is imported must be the library.
sys.path.append(sys.path.pop(0))

from datetime import datetime, timedelta, timezone

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, format_soql
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

from steps import finish, refused, same, step

URL = os.environ["SALESFORCE_URL"]
HOST = URL.removeprefix("http://")
CONTACTS = int(os.environ["CONTACTS"])
KEY = "Syncline_HubSpot_Id__c"


class Loopback(HTTPAdapter):
    """The library speaks only https, and logs in at salesforce.com: both end up at the sandbox, over http."""

    def send(self, request, **options):
        request.url = URL + "/" + request.url.split("/", 3)[3]
        return super().send(request, **options)


def session():
    session = requests.Session()
    session.mount("https://", Loopback())
    return session


def login(secret=os.environ["SALESFORCE_CLIENT_SECRET"], **more):
    key = os.environ["SALESFORCE_CLIENT_ID"]
    return Salesforce(domain="acme.my", consumer_key=key, consumer_secret=secret, session=session(), **more)


def code(error):
    """HTTP status and errorCode of the first element of a REST error."""
    return error.status, error.content[0]["errorCode"]


def ids(records):
    return [record["Id"] for record in records]


# Authentication

with step("client credentials give a token of the org, and its address"):
    sf = login(version="68.0")
    same((sf.session_id.split("!")[0][:3], len(sf.session_id.split("!")[0])), ("00D", 15))
    same(sf.sf_instance, HOST)

with step("a wrong secret is refused as invalid_client"):
    error = refused(SalesforceAuthenticationFailed, lambda: login(secret="wrong"))
    same(error.code, "invalid_client")
    assert str(error).endswith(": invalid client credentials"), error

with step("a dead token given by hand is SalesforceExpiredSession, 401 INVALID_SESSION_ID"):
    stale = Salesforce(instance_url=URL, session_id="00D000000000000!stale", session=session())
    same(code(refused(SalesforceExpiredSession, stale.describe)), (401, "INVALID_SESSION_ID"))

with step("a dead token from a login is replaced once, and the call answered"):
    before = sf.session_id
    sf.headers["Authorization"] = "Bearer 00D000000000000!stale"
    same(sf.query("SELECT Name FROM Organization")["totalSize"], 1)
    assert sf.session_id != before, "a new token"

with step("the API version that the library itself defaults to is answered as well"):
    same(login().query("SELECT COUNT() FROM User WHERE Username = 'sync@acme.example'")["totalSize"], 1)

# Describe

with step("describe lists the objects with their key prefixes and a batch size of 200"):
    everything = sf.describe()
    prefixes = {one["name"]: one["keyPrefix"] for one in everything["sobjects"]}
    same((prefixes["Contact"], prefixes["Account"], prefixes["Lead"]), ("003", "001", "00Q"))
    same(everything["maxBatchSize"], 200)

with step("Contact's describe tells what is required, what identifies and what is read-only"):
    fields = {field["name"]: field for field in sf.Contact.describe()["fields"]}
    last_name, email, key, stamp = (fields[name] for name in ("LastName", "Email", KEY, "SystemModstamp"))
    same((last_name["nillable"], last_name["createable"], last_name["length"]), (False, True, 80))
    same((email["type"], email["idLookup"], email["unique"]), ("email", True, False))
    same((key["externalId"], key["unique"], key["custom"]), (True, True, True))
    same((stamp["type"], stamp["updateable"]), ("datetime", False))
    same(fields["AccountId"]["referenceTo"], ["Account"])

with step("metadata names the object and its recent items"):
    same(sf.Contact.metadata()["objectDescribe"]["name"], "Contact")

# Query

with step("a query of more than 2,000 rows comes in pages that a locator continues"):
    total = sf.query("SELECT COUNT() FROM Contact")["totalSize"]
    assert total > 2_000 and abs(total - CONTACTS) < CONTACTS / 5, total
    first = sf.query("SELECT Id FROM Contact ORDER BY Id")
    same((first["totalSize"], first["done"], len(first["records"])), (total, False, 2_000))
    locator = first["nextRecordsUrl"].rsplit("/", 1)[1]
    same((locator[:3], locator[-5:]), ("0r8", "-2000"))
    rest = sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    same((rest["done"], len(rest["records"])), (True, total - 2_000))
    same(sf.query_more(locator)["records"], rest["records"])
    all_ids = ids(first["records"] + rest["records"])
    same((len(set(all_ids)), all_ids), (total, sorted(all_ids)))

with step("batchSize asks for smaller pages, and query_all_iter walks all of them"):
    small = {"Sforce-Query-Options": "batchSize=200"}
    page = sf.query("SELECT Id FROM Contact ORDER BY Id", headers=small)
    same((len(page["records"]), page["nextRecordsUrl"][-4:]), (200, "-200"))
    same(ids(sf.query_all_iter("SELECT Id FROM Contact ORDER BY Id", headers=small)), all_ids)
    same(sf.query_all("SELECT Id FROM Contact")["totalSize"], total)

with step("groups are counted, and the counts add up to the whole"):
    groups = sf.query_all("SELECT LeadSource, COUNT(Id) n FROM Contact GROUP BY LeadSource")["records"]
    same(sum(group["n"] for group in groups), total)
    same({group["attributes"]["type"] for group in groups}, {"AggregateResult"})

with step("a bad query is refused by its cause: syntax, column, object, locator, offset"):
    for soql, want in [
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE CreatedDate > 'yesterday'", "INVALID_FIELD"),
        ("SELECT Nope FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contakt", "INVALID_TYPE"),
        ("SELECT Id FROM Contact LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    ]:
        same((soql, *code(refused(SalesforceMalformedRequest, lambda: sf.query(soql)))), (soql, 400, want))
    error = refused(SalesforceMalformedRequest, lambda: sf.query_more("0r8000000000000AAA-2000"))
    same(code(error), (400, "INVALID_QUERY_LOCATOR"))

# One record

with step("create answers with an id, get gives the values back, parents and children are found through it"):
    account = sf.Account.create({"Name": "Loopback Ltd", "BillingCity": "Ulm"})
    same((account["success"], account["errors"], account["id"][:3], len(account["id"])), (True, [], "001", 18))
    hostile = 'O\'Hara \\ 50% "off"'
    made = sf.Contact.create({"LastName": hostile, "Email": "Ohara@Loopback.example", "AccountId": account["id"]})
    have = sf.Contact.get(made["id"])
    same(have["attributes"], {"type": "Contact", "url": f"/services/data/v68.0/sobjects/Contact/{made['id']}"})
    same((have["LastName"], have["AccountId"], have["Title"]), (hostile, account["id"], None))
    row = sf.query(format_soql("SELECT Id, Account.Name FROM Contact WHERE LastName = {}", hostile))["records"]
    same([(one["Id"], one["Account"]["Name"]) for one in row], [(made["id"], "Loopback Ltd")])
    children = "SELECT Name, (SELECT Id FROM Contacts) FROM Account WHERE Id = {}"
    row = sf.query(format_soql(children, account["id"]))["records"][0]
    same(
        (row["Name"], row["Contacts"]["totalSize"], ids(row["Contacts"]["records"])), ("Loopback Ltd", 1, [made["id"]])
    )

with step("update answers 204, moves SystemModstamp, and null clears"):
    same(sf.Contact.update(made["id"], {"Title": "CTO", "Phone": "+49 731 1"}), 204)
    changed = sf.Contact.get(made["id"])
    same((changed["Title"], changed["Phone"]), ("CTO", "+49 731 1"))
    assert changed["SystemModstamp"] >= have["SystemModstamp"] and changed["SystemModstamp"].endswith(".000+0000")
    same(sf.Contact.update(made["id"], {"Phone": None}), 204)
    same(sf.Contact.get(made["id"])["Phone"], None)

with step("an update on condition is 412 when the record was changed since, and goes through when not"):
    since = {"If-Unmodified-Since": "Thu, 19 Nov 2020 10:00:00 GMT"}
    error = refused(SalesforceGeneralError, lambda: sf.Contact.update(made["id"], {"Title": "CEO"}, headers=since))
    same((error.status, sf.Contact.get(made["id"])["Title"]), (412, "CTO"))
    since = {"If-Unmodified-Since": "Wed, 19 Nov 2036 10:00:00 GMT"}
    same(sf.Contact.update(made["id"], {"Title": "CEO"}, headers=since), 204)

with step("a bad record is refused by its cause, with the field named"):
    for values, want, fields in [
        ({"FirstName": "Ada"}, "REQUIRED_FIELD_MISSING", ["LastName"]),
        ({"LastName": "X" * 81}, "STRING_TOO_LONG", ["LastName"]),
        ({"LastName": "X", "Email": "bad"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ({"LastName": "X", "Birthdate": "20.11.1990"}, "JSON_PARSER_ERROR", None),
        ({"LastName": "X", "Nope": "1"}, "INVALID_FIELD", None),
        ({"LastName": "X", "CreatedDate": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["CreatedDate"]),
        ({"LastName": "X", "AccountId": "001x"}, "MALFORMED_ID", None),
    ]:
        error = refused(SalesforceMalformedRequest, lambda: sf.Contact.create(values))
        same((values, *code(error)), (values, 400, want))
        if fields:
            same(error.content[0]["fields"], fields)
    error = refused(SalesforceMalformedRequest, lambda: sf.Account.create({"Name": "X", "Industry": "Alchemy"}))
    same(code(error), (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"))

with step("the duplicate rule refuses a second such contact until allowSave=true is sent"):
    twin = {"FirstName": "Ada", "LastName": "Loop", "Email": "ada@loopback.example"}
    ada = sf.Contact.create(twin)["id"]
    error = refused(SalesforceMalformedRequest, lambda: sf.Contact.create(twin))
    same(code(error), (400, "DUPLICATES_DETECTED"))
    matches = error.content[0]["duplicateResut"]["matchResults"][0]["matchRecords"]
    same(ids(match["record"] for match in matches), [ada])
    allowed = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    other_ada = sf.Contact.create(twin, headers=allowed)["id"]
    assert other_ada != ada

with step("delete answers 204; then 404 for get, ENTITY_IS_DELETED for delete, and queryAll shows the row"):
    same(sf.Contact.delete(made["id"]), 204)
    same(code(refused(SalesforceResourceNotFound, lambda: sf.Contact.get(made["id"]))), (404, "NOT_FOUND"))
    error = refused(SalesforceResourceNotFound, lambda: sf.Contact.delete(made["id"]))
    same(code(error), (404, "ENTITY_IS_DELETED"))
    gone = format_soql("SELECT Id, IsDeleted FROM Contact WHERE Id = {}", made["id"])
    same(sf.query(gone)["totalSize"], 0)
    same([row["IsDeleted"] for row in sf.query(gone, include_deleted=True)["records"]], [True])

# External ids

with step("upsert by external id makes the record once (201) and then changes it (200)"):
    born = sf.Contact.upsert(f"{KEY}/loop-1", {"LastName": "One"}, raw_response=True)
    again = sf.Contact.upsert(f"{KEY}/loop-1", {"LastName": "Uno"}, raw_response=True)
    same((born.status_code, born.json()["created"]), (201, True))
    same((again.status_code, again.json()["created"], again.json()["id"]), (200, False, born.json()["id"]))
    found = sf.Contact.get_by_custom_id(KEY, "loop-1")
    same((found["Id"], found["LastName"], found[KEY]), (born.json()["id"], "Uno", "loop-1"))

with step("a taken external id is DUPLICATE_VALUE, naming the holder"):
    error = refused(SalesforceMalformedRequest, lambda: sf.Contact.create({"LastName": "Two", KEY: "loop-1"}))
    same(code(error), (400, "DUPLICATE_VALUE"))
    assert born.json()["id"][:15] in error.content[0]["message"], error.content

with step("an upsert with an unknown key field is 404, with the key in its body 400, with two matches 300"):
    error = refused(SalesforceResourceNotFound, lambda: sf.Contact.upsert("Namez/1", {"LastName": "X"}))
    same(code(error), (404, "NOT_FOUND"))
    error = refused(SalesforceMalformedRequest, lambda: sf.Contact.upsert(f"{KEY}/2", {"LastName": "X", KEY: "2"}))
    same(code(error), (400, "INVALID_FIELD"))
    error = refused(
        SalesforceMoreThanOneRecord, lambda: sf.Contact.upsert("Email/ada@loopback.example", {"Title": "X"})
    )
    same(sorted(url.rsplit("/", 1)[1] for url in error.content), sorted([ada, other_ada]))
    same(sf.Contact.get(ada)["Title"], None)

# Collections and composite

CONTACT = {"type": "Contact"}


def collect(method, tail="", **more):
    return sf.restful("composite/sobjects" + tail, method=method, **more)


def verdicts(rows):
    return [row["success"] or row["errors"][0]["statusCode"] for row in rows]


with step("a collection is created row by row: good rows stay, a bad one tells why"):
    names = [{"LastName": "Row 1"}, {"FirstName": "no last name"}, {"LastName": "Row 3", "Email": "bad"}]
    body = {"allOrNone": False, "records": [{"attributes": CONTACT, **name} for name in names]}
    rows = collect("POST", json=body)
    same(verdicts(rows), [True, "REQUIRED_FIELD_MISSING", "INVALID_EMAIL_ADDRESS"])
    row_one = rows[0]["id"]

with step("with allOrNone the good rows are rolled back"):
    body["allOrNone"] = True
    rolled = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    same(verdicts(collect("POST", json=body)), [rolled, "REQUIRED_FIELD_MISSING", "INVALID_EMAIL_ADDRESS"])
    same(ids(sf.query("SELECT Id FROM Contact WHERE LastName = 'Row 1'")["records"]), [row_one])

with step("a collection is upserted by external id: created, changed, refused, told apart in input order"):
    keyed = [("loop-1", "Uno"), ("loop-2", "Duo"), ("loop-3", "")]
    records = [{"attributes": CONTACT, KEY: key, "LastName": name} for key, name in keyed]
    rows = collect("PATCH", f"/Contact/{KEY}", json={"records": records})
    same(verdicts(rows), [True, True, "REQUIRED_FIELD_MISSING"])
    same([row.get("created") for row in rows], [False, True, None])
    same(rows[0]["id"], born.json()["id"])
    twice = {"records": [records[1], records[1]]}
    same(verdicts(collect("PATCH", f"/Contact/{KEY}", json=twice)), ["DUPLICATE_VALUE", "DUPLICATE_VALUE"])

with step("a collection is updated, and read back in the order asked with null for a missing id"):
    pair = [row_one, rows[1]["id"]]
    records = [{"attributes": CONTACT, "id": one, "Title": "CFO"} for one in pair]
    same(
        verdicts(collect("PATCH", json={"records": [*records, {"attributes": CONTACT}]})),
        [True, True, "MISSING_ARGUMENT"],
    )
    asked = [pair[1], made["id"], pair[0]]
    have = collect("POST", "/Contact", json={"ids": asked, "fields": ["Id", "Title"]})
    same([one and (one["Id"], one["Title"]) for one in have], [(pair[1], "CFO"), None, (pair[0], "CFO")])
    same(collect("GET", "/Contact", params={"ids": ",".join(asked), "fields": "Id,Title"}), have)

with step("a collection is deleted, a row that is gone tells so"):
    rows = collect("DELETE", params={"ids": ",".join([*pair, made["id"]])})
    same(verdicts(rows), [True, True, "ENTITY_IS_DELETED"])

with step("more than 200 rows are refused as EXCEEDED_ID_LIMIT"):
    many = {"records": [{"attributes": CONTACT, "LastName": "X"}] * 201}
    same(code(refused(SalesforceMalformedRequest, lambda: collect("POST", json=many))), (400, "EXCEEDED_ID_LIMIT"))

with step("composite passes an id on, and rolls all back when one part fails"):

    def part(method, path, reference, body):
        return {"method": method, "url": f"/services/data/v68.0/{path}", "referenceId": reference, "body": body}

    company = part("POST", "sobjects/Account", "company", {"Name": "Composite Ltd"})
    person = part("POST", "sobjects/Contact", "person", {"LastName": "Part", "AccountId": "@{company.id}"})
    answer = sf.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": [company, person]})
    first, second = answer["compositeResponse"]
    same((first["httpStatusCode"], second["httpStatusCode"]), (201, 201))
    same(sf.Contact.get(second["body"]["id"])["AccountId"], first["body"]["id"])
    broken = part("POST", "sobjects/Contact", "person", {"AccountId": "@{company.id}"})
    answer = sf.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": [company, broken]})
    codes = [(one["httpStatusCode"], one["body"][0]["errorCode"]) for one in answer["compositeResponse"]]
    same(codes, [(400, "PROCESSING_HALTED"), (400, "REQUIRED_FIELD_MISSING")])
    same(sf.query("SELECT COUNT() FROM Account WHERE Name = 'Composite Ltd'")["totalSize"], 1)

with step("composite/batch answers each part by itself"):
    parts = [{"method": "GET", "url": f"v68.0/sobjects/Contact/{one}?fields=Id"} for one in (ada, made["id"])]
    answer = sf.restful("composite/batch", method="POST", json={"batchRequests": parts})
    same((answer["hasErrors"], [one["statusCode"] for one in answer["results"]]), (True, [200, 404]))
    same(answer["results"][0]["result"]["Id"], ada)

# Replication, limits

with step("updated and deleted list the ids of the last hour and how far they reach"):
    now = datetime.now(timezone.utc)
    window = (now - timedelta(hours=1), now + timedelta(minutes=2))
    updated, deleted = sf.Contact.updated(*window), sf.Contact.deleted(*window)
    assert ada in updated["ids"] and made["id"] not in updated["ids"] and updated["latestDateCovered"]
    same({row["id"] for row in deleted["deletedRecords"]}, {made["id"], *pair})
    old = (now - timedelta(days=40), now)
    same(code(refused(SalesforceMalformedRequest, lambda: sf.Contact.updated(*old))), (400, "INVALID_REPLICATION_DATE"))

with step("limits and the usage header agree, recordCount counts"):
    daily = sf.limits()["DailyApiRequests"]
    usage = sf.api_usage["api-usage"]
    same((usage.total, usage.used), (daily["Max"], daily["Max"] - daily["Remaining"]))
    counted = sf.restful("limits/recordCount", params={"sObjects": "Contact"})["sObjects"]
    same([one["name"] for one in counted], ["Contact"])
    assert counted[0]["count"] >= total

with step("an unknown resource is 404, a wrong method 405"):
    same(code(refused(SalesforceResourceNotFound, lambda: sf.restful("nowhere"))), (404, "NOT_FOUND"))
    error = refused(SalesforceGeneralError, lambda: sf.restful("limits", method="PUT"))
    same(code(error), (405, "METHOD_NOT_ALLOWED"))

finish()
