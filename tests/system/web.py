# SPDX-License-Identifier: BSD-3-Clause
"""Holds a running web API against its OpenAPI file: every path, method and status that the file names is asked for, and
every reply must be one that it describes. Speaks TAP.

    web.py URL OPENAPI [--key KEY] [--login LOGIN:PASSWORD] [--ca FILE] [--prefix TEXT]
"""
import argparse
import base64
import http.client
import json
import re
import socket
import ssl
import sys
import time
import urllib.parse

import yaml

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
ALWAYS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
# Nothing that a client sends brings these about.
NOT_PROVOKED = {"500", "503"}


class Invalid(Exception):
    pass


def require(condition, *what):
    if not condition:
        raise Invalid(" ".join(str(word) for word in what))


class Description:
    """The OpenAPI file, and the part of JSON Schema 2020-12 that it uses."""

    KNOWN = {"type", "properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems",
             "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "description", "$ref"}
    TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
             "null": type(None)}

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.root = yaml.safe_load(file)
        require(self.root["openapi"].startswith("3.1."), "OpenAPI 3.1 is wanted")

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            path, node = node["$ref"].removeprefix("#/").split("/"), self.root
            for name in path:
                node = node[name]
        return node

    def is_of_type(self, value, name):
        if name in ("integer", "number") and isinstance(value, bool):
            return False
        return isinstance(value, self.TYPES[name])

    def check(self, value, schema, where="$"):
        schema = self.resolve(schema)
        require(set(schema) <= self.KNOWN, where, "the checker does not know", set(schema) - self.KNOWN)
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        require(not types or any(self.is_of_type(value, name) for name in types), where, value, "is no", types)
        require("enum" not in schema or value in schema["enum"], where, value, "is none of", schema.get("enum"))
        if isinstance(value, dict):
            self.check_object(value, schema, where)
        elif isinstance(value, list):
            self.check_array(value, schema, where)
        elif isinstance(value, str):
            require(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)), where, "length")
            require(re.search(schema.get("pattern", ""), value), where, value, "does not match")
        elif isinstance(value, (int, float)):
            require(schema.get("minimum", value) <= value <= schema.get("maximum", value), where, value, "range")

    def check_object(self, value, schema, where):
        known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        missing = set(schema.get("required", [])) - set(value)
        require(not missing, where, "lacks", missing)
        for name, member in value.items():
            if name in known:
                self.check(member, known[name], f"{where}.{name}")
            else:
                require(more is not False, where, "has", name)
                if isinstance(more, dict):
                    self.check(member, more, f"{where}.{name}")

    def check_array(self, value, schema, where):
        require(schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)), where, "items")
        first = schema.get("prefixItems", [])
        for index, item in enumerate(value):
            if index < len(first):
                self.check(item, first[index], f"{where}[{index}]")
            elif "items" in schema:
                self.check(item, schema["items"], f"{where}[{index}]")


class Client:
    def __init__(self, arguments):
        self.url = urllib.parse.urlsplit(arguments.url)
        self.ca = arguments.ca
        self.credentials = {}
        if arguments.key:
            self.credentials["X-API-Key"] = arguments.key
        if arguments.login:
            self.credentials["Authorization"] = "Basic " + base64.b64encode(arguments.login.encode()).decode()

    def ask(self, method, path, fields=None, credentials=None):
        """Status, fields and body; each reply is checked for what all of them have."""
        if self.url.scheme == "https":
            context = ssl.create_default_context(cafile=self.ca)
            connection = http.client.HTTPSConnection(self.url.hostname, self.url.port, timeout=10, context=context)
        else:
            connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=10)
        sent = dict(self.credentials if credentials is None else credentials)
        sent.update(fields or {})
        try:
            connection.request(method, path, headers=sent)
            reply = connection.getresponse()
            body = reply.read()
            for name, value in ALWAYS.items():
                require(reply.headers.get(name) == value, method, path, reply.status, "has no", name)
            require(not any(name.lower().startswith("access-control") for name in reply.headers), "CORS fields")
            return str(reply.status), reply.headers, body
        finally:
            connection.close()


def reject_duplicates(pairs):
    require(len(dict(pairs)) == len(pairs), "a member is there twice")
    return dict(pairs)


def reject_constant(text):
    raise Invalid(text + " is no JSON")


def parse_json(body):
    text = body.decode("utf-8")
    require(not set(text) & set("<>&"), "HTML in", text[:80])
    require(not any(ord(character) < 0x20 or 0x7f <= ord(character) < 0xa0 for character in text), "control bytes")
    return json.loads(text, object_pairs_hook=reject_duplicates, parse_constant=reject_constant)


def check_reply(description, operation, status, fields, body, is_head=False):
    require(status in operation["responses"], "status", status, "is not described:", body[:200])
    response = description.resolve(operation["responses"][status])
    for name, field in response.get("headers", {}).items():
        if name in fields:
            description.check(fields[name], field["schema"], name)
        else:
            require(not field.get("required"), "no", name)
    if "content" not in response:
        require(body == b"", "a body with status", status)
        return
    media = fields["Content-Type"].split(";")[0].strip()
    require(media in response["content"], media, "is not described")
    if is_head:
        require(body == b"", "HEAD has a body")
    elif media == "application/json":
        require(fields["Content-Type"] == "application/json; charset=utf-8", fields["Content-Type"])
        description.check(parse_json(body), response["content"][media]["schema"])
    else:
        require(body.decode("utf-8").endswith("\n"), "text without an end")


def query(description, operation, **changed):
    """The operation's parameters as its examples give them, but those that are changed."""
    values = {}
    for parameter in operation.get("parameters", []):
        parameter = description.resolve(parameter)
        if "example" in parameter:
            values[parameter["name"]] = parameter["example"]
    values.update(changed)
    return "?" + urllib.parse.urlencode(values) if values else ""


def parameters(description, operation):
    return {description.resolve(parameter)["name"] for parameter in operation.get("parameters", [])}


def provoke(description, path, method, operation):
    """Requests, each with the status that it must get: (status, method, path, fields, with credentials)."""
    names = parameters(description, operation)
    good = "204" if method == "DELETE" else "200"
    plain = path + query(description, operation)
    requests = [(good, method, path, {}, True), (good, method, plain, {}, True)]
    for unwanted in METHODS:
        if unwanted != method and (method, unwanted) != ("GET", "HEAD"):
            requests.append(("405", unwanted, path, {}, True))
    requests.append(("403", method, path, {"Host": "evil.example"}, True))
    requests.append(("403", method, path, {"Origin": "http://evil.example"}, True))
    if method == "GET":
        requests.append((good, "HEAD", plain, {}, True))
    if "stream" in names:
        requests.append(("404", method, path + query(description, operation, stream="no such stream"), {}, True))
    if "more" in names:
        requests.append(("400", method, path + query(description, operation, more="unknown name"), {}, True))
    for count in ("0", "1001", "-1", "x", "") if "n" in names else ():
        requests.append(("400", method, path + query(description, operation, n=count), {}, True))
    if "text/plain" in operation["responses"].get("200", {}).get("content", {}):
        requests.append((good, method, path, {"Accept": "application/openmetrics-text"}, True))
    requests.append(("401", method, path, {}, False))
    return requests


def wrong_credentials(client):
    return [{name: value[:-2] + "AA"} for name, value in client.credentials.items()] + [
        {"Authorization": "Basic"}, {"Authorization": "Bearer x"}, {"X-API-Key": ""},
        {**client.credentials, "Authorization": "Basic !"}, {**client.credentials, "X-API-Key": "wrong"}]


def check_operation(description, client, path, method, operation):
    seen = set()
    for status, verb, target, fields, is_known in provoke(description, path, method, operation):
        if not is_known and not client.credentials:
            seen.add("401") # without credentials in the configuration nobody is refused for them
            continue
        told, replied, body = client.ask(verb, target, fields, None if is_known else {})
        is_ill = path == "/health" and status == "200" and told == "503"
        require(told == status or is_ill, verb, target, fields, "is", told, "not", status)
        check_reply(description, operation, told, replied, body, verb == "HEAD")
        seen.update({told, status})
    if client.credentials:
        for credentials in wrong_credentials(client):
            told = client.ask(method, path, None, credentials)[0]
            require(told == "401", credentials, "is", told)
    never = set(operation["responses"]) - seen - NOT_PROVOKED
    require(not never, "never seen:", never)


def check_security(description, client):
    schemes = description.root["components"]["securitySchemes"]
    require(schemes["key"] == {"type": "apiKey", "in": "header", "name": "X-API-Key"}, schemes["key"])
    require(schemes["basic"] == {"type": "http", "scheme": "basic"}, schemes["basic"])
    for name, value in client.credentials.items():
        told = client.ask("GET", "/streams", None, {name: value})[0]
        require(told == "200", name, "alone is", told)


def check_unknown(client):
    for path in ("/", "/counter", "/counters/", "/..", "/%63ounters", "/openapi"):
        status, _, body = client.ask("GET", path)
        require(status == "404", path, "is", status)
        require(list(parse_json(body)) == ["error"], path, body)


def check_more_does_not_stay(client):
    before = parse_json(client.ask("GET", "/counters")[2])["counters"]
    more = parse_json(client.ask("GET", "/counters?more=query/mx")[2])["counters"]
    after = parse_json(client.ask("GET", "/counters")[2])["counters"]
    require(set(more) == set(before) | {"query/mx"}, "more adds", set(more) - set(before))
    require(set(after) == set(before), "more stays", set(after) - set(before))


def open_slowly(client, text, count):
    """Connections that send text and then nothing, and read nothing."""
    sockets = []
    for _ in range(count):
        sockets.append(socket.create_connection((client.url.hostname, client.url.port), timeout=10))
        sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sockets[-1].sendall(text)
    return sockets


def check_crowd(client):
    """A thousand that open slowly and a few that do not read: others are answered within 100 ms all the same."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in client.credentials.items())
    whole = f"GET /metrics HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode()
    crowd = open_slowly(client, whole, 20) + open_slowly(client, whole[:-4], 1000)
    times = []
    for _ in range(200):
        start = time.monotonic()
        require(client.ask("GET", "/streams")[0] == "200", "not answered")
        times.append(time.monotonic() - start)
    for connection in crowd:
        connection.close()
    require(sorted(times)[197] <= 0.1, "99 of 100 take up to", sorted(times)[197], "s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("openapi")
    parser.add_argument("--key")
    parser.add_argument("--login")
    parser.add_argument("--ca")
    parser.add_argument("--prefix", default="")
    arguments = parser.parse_args()
    description, client = Description(arguments.openapi), Client(arguments)
    tests = [("unknown paths", lambda: check_unknown(client)),
             ("each credential alone", lambda: check_security(description, client)),
             ("more does not stay", lambda: check_more_does_not_stay(client))]
    if client.url.scheme == "http":
        tests.append(("who opens slowly or does not read holds nobody up", lambda: check_crowd(client)))
    for path, methods in description.root["paths"].items():
        for method, operation in methods.items():
            tests.append((f"{method.upper()} {path} is as described",
                          lambda p=path, m=method.upper(), o=operation: check_operation(description, client, p, m, o)))
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {arguments.prefix}{name}")
        except (Invalid, OSError, ValueError, KeyError, http.client.HTTPException) as problem:
            failed += 1
            print(f"not ok {number} - {arguments.prefix}{name}\n# {problem!r}")
    print(f"1..{len(tests)}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
