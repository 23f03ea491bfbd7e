#!/usr/bin/env python3
"""A connector in Python, without any library: people in a JSON file.

It speaks the wire protocol of docs/reference/wire-protocol.md. Parameters: file, the JSON file.
"""
import json
import os
import sys

PROTOCOL = 1
ATTRIBUTES = [
    {"name": "id", "type": "string", "anchor": True, "assigned": True, "direction": "import-only"},
    {"name": "login", "type": "string", "unique": True, "required": True},
    {"name": "title", "type": "string"},
    {"name": "level", "type": "integer"},
    {"name": "active", "type": "boolean"},
    {"name": "photo", "type": "binary"},
    {"name": "mails", "type": "string", "multiValued": True},
]
NAMES = {attribute["name"] for attribute in ATTRIBUTES}

# Standard output is for the protocol alone: what anybody prints becomes a line of the log.
wire = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
sys.stdout = sys.stderr


class Refused(Exception):
    """An error with a code of the protocol's table."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Application:
    """The people of the file, and a log of changes for deltas. The file is replaced whole: a killed process leaves the old or the new one."""

    def __init__(self, parameters):
        self.file = parameters.get("file") or ""
        if not os.path.isdir(os.path.dirname(self.file) or "."):
            raise Refused("server-down", "the folder of the file %s does not exist" % self.file)

    def read(self):
        if not os.path.exists(self.file):
            return {"next": 1, "people": {}, "log": []}
        with open(self.file, encoding="utf-8") as stream:
            return json.load(stream)

    def write(self, data):
        draft = self.file + ".new"
        with open(draft, "w", encoding="utf-8") as stream:
            json.dump(data, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, self.file)


class Import:
    def __init__(self, parameters, step):
        data = Application(parameters).read()
        types = {one["name"]: [each["name"] for each in one["attributes"]] for one in step["schema"]["objectTypes"]}
        self.selected = types.get("person", [])
        self.watermark = str(len(data["log"]))
        self.position = 0
        if step["kind"] == "delta":
            mark = step.get("watermark", "")
            if not mark.isdigit() or int(mark) > len(data["log"]):
                raise Refused("watermark-lost", "the log of changes does not know this watermark")
            keys = list(dict.fromkeys(data["log"][int(mark):]))
        else:
            keys = list(data["people"])
        self.entries = [self.entry(key, data["people"].get(key)) for key in keys] if "person" in types else []

    def entry(self, key, person):
        if person is None:
            return {"modification": "delete", "objectType": "person", "anchor": {"id": key}}
        attributes = {name: value for name, value in person.items() if name in self.selected}
        return {"modification": "add", "objectType": "person", "anchor": {"id": key}, "attributes": attributes}

    def read(self, limit):
        page = self.entries[self.position:self.position + limit]
        self.position += len(page)
        return {"entries": page, "more": self.position < len(self.entries), "watermark": self.watermark}


def understood(condition):
    """Whether `matches` decides a filter: texts without regard to case, and orders, are left to the host."""
    if condition["kind"] == "not":
        return understood(condition["filter"])
    if condition["kind"] in ("and", "or"):
        return all(understood(one) for one in condition["filters"])
    if condition["kind"] == "present":
        return True
    return condition["type"] == "string" and condition["caseExact"] and condition["comparison"] in ("equal", "starts", "ends", "contains")


def matches(condition, person):
    if condition["kind"] == "not":
        return not matches(condition["filter"], person)
    if condition["kind"] in ("and", "or"):
        return (all if condition["kind"] == "and" else any)(matches(one, person) for one in condition["filters"])
    values = person.get(condition["attribute"], [])
    values = values if isinstance(values, list) else [values]
    if condition["kind"] == "present":
        return len(values) > 0
    wanted = condition["value"]
    tests = {"equal": wanted.__eq__, "starts": lambda one: one.startswith(wanted), "ends": lambda one: one.endswith(wanted), "contains": lambda one: wanted in one}
    return any(tests[condition["comparison"]](one) for one in values)


def find(parameters, params):
    people = Application(parameters).read()["people"]
    types = {one["name"]: [each["name"] for each in one["attributes"]] for one in params["schema"]["objectTypes"]}
    decides = understood(params["filter"])
    found = []
    for key, person in people.items() if params["objectType"] == "person" else ():
        if decides and not matches(params["filter"], dict(person, id=key)):
            continue
        attributes = {name: value for name, value in person.items() if name in types.get("person", [])}
        found.append({"modification": "replace", "objectType": "person", "anchor": {"id": key}, "attributes": attributes})
    # The limit is for what matches; what the host has to look at is given whole.
    if not decides:
        return {"entries": found, "truncated": False, "unevaluated": params["filter"]}
    return {"entries": found[:params["limit"]], "truncated": len(found) > params["limit"]}


class Export:
    def __init__(self, parameters):
        self.application = Application(parameters)

    def put(self, changes):
        data = self.application.read()
        results = []
        for change in changes:
            try:
                results.append(self.apply(data, change))
            except Refused as refused:
                results.append({"id": change["id"], "error": {"code": refused.code, "message": str(refused)}})
        self.application.write(data)
        return {"results": results}

    def apply(self, data, change):
        people = data["people"]
        if change["modification"] == "add":
            key = str(data["next"])
            person = self.changed(people, key, {}, change)
            data["next"] += 1
            people[key] = person
            data["log"].append(key)
            return {"id": change["id"], "anchor": {"id": key}}
        key = change["anchor"]["id"]
        if key not in people:
            raise Refused("not-found", "there is no person %s" % key)
        if change["modification"] == "delete":
            del people[key]
        else:
            before = {} if change["modification"] == "replace" else people[key]
            people[key] = self.changed(people, key, dict(before), change)
        data["log"].append(key)
        return {"id": change["id"]}

    def changed(self, people, key, person, change):
        for one in change["changes"]:
            name = one["name"]
            if name not in NAMES:
                raise Refused("invalid-attribute-value", "a person has no attribute %s" % name)
            if name == "id":
                continue
            many = name == "mails"
            if one["modification"] == "update":
                values = [value for value in person.get(name, []) if value not in one["removed"]]
                values += [value for value in one["added"] if value not in values]
            else:
                values = one.get("values", [])
            if values:
                person[name] = values if many else values[0]
            else:
                person.pop(name, None)
        login = person.get("login")
        if login is None:
            raise Refused("missing-attribute", "a person needs a login")
        if any(other != key and one["login"].lower() == login.lower() for other, one in people.items()):
            raise Refused("already-exists", "the login %s is taken" % login)
        return person


class Worker:
    def __init__(self):
        self.sessions = {}
        self.next = 1

    def open(self, session, name=None):
        """Under the name that the host gave it, or a number: what is sent along with the opening knows only the name."""
        if name is None:
            name = self.next
            self.next += 1
        self.sessions[name] = session
        return {"session": name}

    def answer(self, method, params):
        parameters = params.get("parameters", {})
        if method == "initialize":
            if PROTOCOL not in params["protocols"]:
                raise Refused("invalid-configuration", "this worker speaks version %d of the protocol" % PROTOCOL)
            return {"protocol": PROTOCOL, "worker": {"name": "python-sample", "pipelines": True}, "connector": {"name": "directory", "version": "1.0.0"}}
        if method == "capabilities":
            return {"deltaImport": True, "find": True, "isolatedEntries": True, "resultsApply": "at-once", "importMaxPage": 1000, "importDefaultPage": 100}
        if method == "parameters":
            first = params["page"] == "connectivity" and params["pageNumber"] == 1
            return {"definitions": [{"name": "file", "kind": "string", "required": True}] if first else []}
        if method == "schema":
            return {"objectTypes": [{"name": "person", "attributes": ATTRIBUTES}]}
        if method == "find":
            return find(parameters, params)
        if method == "import.open":
            return self.open(Import(parameters, params["step"]))
        if method == "import.read":
            return self.session(params).read(params["limit"])
        if method == "export.open":
            return self.open(Export(parameters), params.get("session"))
        if method == "export.put":
            return self.session(params).put(params["changes"])
        if method in ("import.close", "export.close"):
            self.session(params)
            del self.sessions[params["session"]]
            return {}
        raise Refused("not-supported", "this worker does not know the method %s" % method)

    def session(self, params):
        if params["session"] not in self.sessions:
            raise Refused("terminated", "the session %s is not open" % params["session"])
        return self.sessions[params["session"]]


def main():
    worker = Worker()
    # One after the other, each answered before the next: what "pipelines" promises.
    for line in sys.stdin.buffer:
        request = json.loads(line.decode("utf-8"))
        if "id" not in request:
            continue
        answer = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            answer["result"] = worker.answer(request["method"], request.get("params", {}))
        except Refused as refused:
            answer["error"] = {"code": -32000, "message": str(refused), "data": {"code": refused.code}}
        except Exception as error:
            answer["error"] = {"code": -32000, "message": "%s: %s" % (type(error).__name__, error), "data": {"code": "unknown"}}
        wire.write(json.dumps(answer) + "\n")
        wire.flush()


main()
