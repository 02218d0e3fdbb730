"""Checks requests that were recorded from the AWS tools against the service models that AWS publishes in botocore.

    python validate.py FOLDER

FOLDER holds *.json files, each a list of requests as sandbox/aws records them. Of every request the operation must
exist, method and path must be those of the operation, every parameter in the path, the query, the headers and the body
must be one of the operation's, of its type, within its limits and among its permitted values, and no required one may
be missing. Every fault is one line on standard output; the last line is a JSON object of services and how many of their
requests were checked, and under "cut" of how many of all these only a part of the body was recorded, which is not read.
"""

import base64
import binascii
import collections
import json
import pathlib
import re
import sys
import urllib.parse
import xml.etree.ElementTree

import botocore.session
from botocore.validate import ParamValidator

# Where a model has another name than its host.
MODELS = {"states": "stepfunctions", "runtime.sagemaker": "sagemaker-runtime"}

# The searches of OpenSearch are its own API and none of AWS's, so that there is no model for them.
WITHOUT_MODEL = {"aoss", "es"}

# The handshake of a browser's WebSocket is a permission, but no operation of the API.
HANDSHAKES = {"ConnectBrowserAutomationStream"}

# More than this is not recorded of a body, so that one of this length may be cut off.
MAX_RECORDED = 64 << 10

# Headers that belong to HTTP, to signatures and to the SDK instead of to an operation.
COMMON_HEADERS = {
    "accept", "accept-encoding", "amz-sdk-invocation-id", "amz-sdk-request", "connection", "content-encoding", "content-length",
    "content-type", "date", "expect", "te", "transfer-encoding", "user-agent", "x-amz-content-sha256", "x-amz-date",
    "x-amz-decoded-content-length", "x-amz-target", "x-amz-trailer", "x-amz-user-agent", "x-amzn-query-mode",
}


class Unfit(Exception):
    """What is wrong with a request."""


class Cut(Exception):
    """The body of a request is longer than what was recorded of it; all else is right."""


class Checker:
    def __init__(self):
        self.session = botocore.session.Session()
        self.models = {}
        self.cut = 0

    def model(self, service):
        if service not in self.models:
            self.models[service] = self.session.get_service_model(MODELS.get(service, service))
        return self.models[service]

    def faults(self, call):
        if call["Service"] in WITHOUT_MODEL or call["Operation"] in HANDSHAKES:
            return []
        try:
            model = self.model(call["Service"])
            if call["Operation"] not in model.operation_names:
                raise Unfit("the service has no such operation")
            operation = model.operation_model(call["Operation"])
            prefix = (operation.endpoint or {}).get("hostPrefix", "").partition("{")[0]
            if call["Host"].endswith(".amazonaws.com") and not call["Host"].startswith(prefix):
                raise Unfit(f"the host {call['Host']} does not begin with {prefix}")
            params = PROTOCOLS[protocol_of(model)](model, operation, call)
        except Cut:
            self.cut += 1
            return []
        except (Unfit, ValueError, KeyError, xml.etree.ElementTree.ParseError) as error:
            return [f"{type(error).__name__}: {error}" if not isinstance(error, Unfit) else str(error)]
        shape = operation.input_shape
        if shape is None:
            return [f"the operation takes no input, there is {params}"] if params else []
        report = ParamValidator().validate(params, shape)
        found = report.generate_report().splitlines() if report.has_errors() else []
        return found + list(beyond(shape, params, ""))


def protocol_of(model):
    """The protocol that the tools speak: a service may offer newer ones besides."""
    offered = [model.metadata["protocol"], *model.metadata.get("protocols", [])]
    return next(protocol for protocol in offered if protocol in PROTOCOLS)


def beyond(shape, value, name):
    """The limits that botocore leaves to the service: permitted values and upper bounds."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for member, inner in shape.members.items():
            if member in value:
                yield from beyond(inner, value[member], f"{name}.{member}")
    elif shape.type_name == "list" and isinstance(value, list):
        yield from too_much(shape, len(value), name)
        for i, element in enumerate(value):
            yield from beyond(shape.member, element, f"{name}[{i}]")
    elif shape.type_name == "map" and isinstance(value, dict):
        yield from too_much(shape, len(value), name)
        for key, element in value.items():
            yield from beyond(shape.value, element, f"{name}.{key}")
    elif shape.type_name == "string" and isinstance(value, str):
        yield from too_much(shape, len(value), name)
        if shape.metadata.get("enum") and value not in shape.metadata["enum"]:
            yield f"{name} is {value!r}, which is none of {', '.join(shape.metadata['enum'])}"
    elif shape.type_name in ("integer", "long") and isinstance(value, int):
        yield from too_much(shape, value, name)


def too_much(shape, number, name):
    most = shape.metadata.get("max")
    if most is not None and number > most:
        yield f"{name} has or is {number}, at most {most} is allowed"


def body_of(call):
    body = base64.b64decode(call["Body"] or "")
    return body, len(body) >= MAX_RECORDED


def headers_of(call):
    return {name.lower(): ",".join(values) for name, values in (call["Header"] or {}).items()}


# The protocol of DynamoDB and Step Functions: everything is in the body.


def read_json(model, operation, call):
    headers = headers_of(call)
    expect("method", "POST", call["Method"])
    expect("path", "/", call["Path"])
    expect("X-Amz-Target", f"{model.metadata['targetPrefix']}.{operation.name}", headers.get("x-amz-target"))
    expect("Content-Type", f"application/x-amz-json-{model.metadata['jsonVersion']}", headers.get("content-type"))
    only_common(headers, set())
    body, cut = body_of(call)
    if cut:
        raise Cut
    return from_json(operation.input_shape, json.loads(body or b"{}"))


def from_json(shape, value):
    """Turns what is sent into what a user of botocore would write."""
    kind = shape.type_name
    if getattr(shape, "is_document_type", False):
        return value
    if kind == "structure" and isinstance(value, dict):
        names = {inner.serialization.get("name", member): member for member, inner in shape.members.items()}
        params = {}
        for name, part in value.items():
            member = names.get(name, name)
            params[member] = from_json(shape.members[member], part) if member in shape.members else part
        return params
    if kind == "list" and isinstance(value, list):
        return [from_json(shape.member, part) for part in value]
    if kind == "map" and isinstance(value, dict):
        return {key: from_json(shape.value, part) for key, part in value.items()}
    if kind == "blob" and isinstance(value, str):
        return decoded(value)
    return value


def decoded(text):
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Unfit(f"a binary value is not base64: {error}") from error


def expect(what, want, got):
    if want != got:
        raise Unfit(f"{what} is {got!r}, must be {want!r}")


def only_common(headers, own):
    unknown = set(headers) - COMMON_HEADERS - own
    if unknown:
        raise Unfit(f"headers that the operation does not have: {', '.join(sorted(unknown))}")


# The protocol of STS: a form.


def read_form(model, operation, call):
    body, _ = body_of(call)
    form = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    expect("Action", operation.name, form.pop("Action", None))
    expect("Version", model.metadata["apiVersion"], form.pop("Version", None))
    only_common(headers_of(call), set())
    if operation.input_shape is None:
        return form
    return from_form(operation.input_shape, form)


def from_form(shape, form):
    if shape.type_name not in ("structure", "list"):
        return from_text(shape, form[""])
    groups = collections.defaultdict(dict)
    for name, value in form.items():
        first, _, rest = name.removeprefix("member.").partition(".")
        groups[first][rest] = value
    if shape.type_name == "list":
        return [from_form(shape.member, groups[str(i + 1)]) for i in range(len(groups))]
    return {name: from_form(shape.members[name], group) if name in shape.members else group for name, group in groups.items()}


# The protocols of S3 and of Lambda: parameters are in the path, the query, the headers and the body.


def read_rest(model, operation, call):
    shape = operation.input_shape
    members = shape.members if shape else {}
    headers, params = headers_of(call), {}
    expect("method", operation.http["method"], call["Method"])
    template, _, fixed = operation.http["requestUri"].partition("?")
    params.update(from_path(members, template, path_of(model, template, call)))
    params.update(from_query(operation, members, fixed, call))
    params.update(from_headers(members, headers))
    params.update(from_body(model, shape, call))
    return params


def path_of(model, template, call):
    """The path with the bucket in it, which may be part of the host."""
    path = call["Path"]
    bucket, found, _ = call["Host"].partition(".s3.")
    if model.service_name == "s3" and found and template.startswith("/{Bucket}"):
        return "/" + bucket + ("" if path == "/" and "{Key+}" not in template else path)
    return path


def from_path(members, template, path):
    pattern = ""
    for part in re.split(r"(\{[^}]+\})", template):
        if not part.startswith("{"):
            pattern += re.escape(part)
            continue
        name = part[1:-1]
        pattern += f"(?P<{name[:-1]}>.+)" if name.endswith("+") else f"(?P<{name}>[^/]+)"
    match = re.fullmatch(pattern.rstrip("/") + "/?" if not template.endswith("+}") else pattern, path)
    if not match:
        raise Unfit(f"the path {path} is not {template}")
    labels = {inner.serialization.get("name", member): member for member, inner in members.items() if inner.serialization.get("location") == "uri"}
    return {labels[name]: urllib.parse.unquote(value) for name, value in match.groupdict().items()}


def from_query(operation, members, fixed, call):
    query = call["RawQuery"]
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    for pair in urllib.parse.parse_qsl(fixed, keep_blank_values=True):
        if pair not in pairs:
            raise Unfit(f"the query lacks {pair}: {query}")
        pairs.remove(pair)
    # What would be a header of a request has to be in the query of a presigned URL.
    places = ("querystring", "header") if call["Presigned"] else ("querystring",)
    names = {inner.serialization["name"]: member for member, inner in members.items() if inner.serialization.get("location") in places}
    params = {}
    for name, value in pairs:
        if (name, value) == ("x-id", operation.name):
            continue
        if name not in names:
            raise Unfit(f"the operation has no parameter {name} in its query")
        shape = members[names[name]]
        if shape.type_name == "list":
            params.setdefault(names[name], []).append(from_text(shape.member, value))
        else:
            params[names[name]] = from_text(shape, value)
    return params


def from_headers(members, headers):
    params, known = {}, set()
    for member, shape in members.items():
        location, name = shape.serialization.get("location"), shape.serialization.get("name", "").lower()
        if location == "header":
            known.add(name)
            if name in headers and name not in COMMON_HEADERS - {"content-type", "content-encoding"}:
                params[member] = from_text(shape, headers[name])
        elif location == "headers":
            some = {header: value for header, value in headers.items() if header.startswith(name)}
            known.update(some)
            if some:
                params[member] = {header[len(name):]: value for header, value in some.items()}
    only_common(headers, known)
    return params


def from_text(shape, text):
    kind = shape.type_name
    if kind in ("integer", "long"):
        return int(text)
    if kind in ("float", "double"):
        return float(text)
    if kind == "boolean":
        if text not in ("true", "false"):
            raise Unfit(f"{text!r} is no boolean")
        return text == "true"
    if kind == "list":
        return [from_text(shape.member, part.strip()) for part in text.split(",")]
    if kind == "blob":
        return decoded(text)
    return text


def from_body(model, shape, call):
    body, cut = body_of(call)
    payload = shape.serialization.get("payload") if shape else None
    if payload and shape.members[payload].type_name in ("blob", "string"):
        return {payload: body} if body and shape.members[payload].type_name == "blob" else {payload: body.decode()} if body else {}
    inside = payload or shape and any(not inner.serialization.get("location") for inner in shape.members.values())
    if body and not inside:
        raise Unfit("the operation has no body")
    if not body:
        return {}
    if cut:
        raise Cut
    target = shape.members[payload] if payload else shape
    if model.metadata["protocol"] == "rest-xml":
        content = from_xml(target, xml.etree.ElementTree.fromstring(body))
    else:
        content = from_json(target, json.loads(body))
    return {payload: content} if payload else content


def from_xml(shape, element):
    kind = shape.type_name
    if kind == "structure":
        params = {}
        names = {inner.serialization.get("name", member): member for member, inner in shape.members.items()}
        for child in element:
            name = child.tag.rpartition("}")[2]
            member = names.get(name, name)
            inner = shape.members.get(member)
            if inner is not None and inner.type_name == "list" and inner.serialization.get("flattened"):
                params.setdefault(member, []).append(from_xml(inner.member, child))
            else:
                params[member] = from_xml(inner, child) if inner is not None else child.text
        return params
    if kind == "list":
        return [from_xml(shape.member, child) for child in element]
    return from_text(shape, element.text or "")


PROTOCOLS = {"json": read_json, "query": read_form, "rest-json": read_rest, "rest-xml": read_rest}


def main(folder):
    checker, counts, told = Checker(), collections.Counter(), set()
    for file in sorted(pathlib.Path(folder).glob("*.json")):
        for call in json.loads(file.read_text()):
            counts[call["Service"]] += 1
            for fault in checker.faults(call):
                line = f"{call['Service']}.{call['Operation']}: {fault}"
                if line not in told:
                    told.add(line)
                    print(line)
    print(json.dumps(counts | {"cut": checker.cut}))


if __name__ == "__main__":
    main(sys.argv[1])
