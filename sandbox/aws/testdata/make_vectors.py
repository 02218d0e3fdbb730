"""Sign requests with botocore and print them as JSON: signature_vectors.json.

    python3 -m venv venv && venv/bin/pip install botocore==1.44.5
    venv/bin/python make_vectors.py > signature_vectors.json

Any botocore will do: Signature Version 4 does not change.
"""

import base64
import datetime
import json
from types import SimpleNamespace
from unittest import mock

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NOW = datetime.datetime(2026, 11, 22, 12, 30, 15, tzinfo=datetime.timezone.utc)
KEY = ("AKIAVECTORS000000000", "vectors/secret+key")
TEMPORARY = ("ASIAVECTORS000000000", "temporary/secret+key", "token/of+the//session==")

JSON10 = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.PutItem"}


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW

    @classmethod
    def utcnow(cls):
        return NOW.replace(tzinfo=None)


class Hostless(SigV4Auth):
    """A client that leaves out of the signature what matters most."""

    def headers_to_sign(self, request):
        headers = super().headers_to_sign(request)
        del headers["host"]
        return headers


def sign(name, auth, service, region, method, url, headers=None, body=b"", credentials=KEY, expires=None, signed_body=True):
    request = AWSRequest(method=method, url=url, headers=headers or {}, data=body)
    if not auth.__name__.endswith("QueryAuth") and service == "s3":
        request.context["client_config"] = SimpleNamespace(s3={"payload_signing_enabled": signed_body})
    arguments = [Credentials(*credentials), service, region]
    if expires:
        arguments.append(expires)
    patches = [mock.patch("botocore.auth." + target, value) for target, value in patched()]
    for patch in patches:
        patch.start()
    auth(*arguments).add_auth(request)
    for patch in patches:
        patch.stop()
    prepared = request.prepare()
    return {
        "name": name,
        "method": method,
        "url": prepared.url,
        "headers": {k: v for k, v in request.headers.items()},
        "body": base64.b64encode(body).decode(),
    }


def patched():
    import botocore.auth

    if hasattr(botocore.auth, "get_current_datetime"):
        yield "get_current_datetime", lambda remove_tzinfo=True: NOW.replace(tzinfo=None) if remove_tzinfo else NOW
    else:
        yield "datetime.datetime", Clock


def main():
    s3 = "https://documents.s3.eu-west-1.amazonaws.com"
    vectors = [
        sign("a query API", SigV4Auth, "sts", "us-east-1", "POST", "https://sts.us-east-1.amazonaws.com/",
             {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, b"Action=GetCallerIdentity&Version=2011-06-15"),
        sign("temporary keys", SigV4Auth, "sts", "us-east-1", "POST", "https://sts.us-east-1.amazonaws.com/",
             {"Content-Type": "application/x-www-form-urlencoded"}, b"Action=GetCallerIdentity&Version=2011-06-15", TEMPORARY),
        sign("the host of STS without a region", SigV4Auth, "sts", "us-east-1", "POST", "https://sts.amazonaws.com/",
             {}, b"Action=GetCallerIdentity&Version=2011-06-15"),
        sign("a JSON API", SigV4Auth, "dynamodb", "ap-northeast-1", "POST", "https://dynamodb.ap-northeast-1.amazonaws.com/",
             JSON10, '{"TableName":"表"}'.encode()),
        sign("an empty body", SigV4Auth, "dynamodb", "ap-northeast-1", "POST", "https://dynamodb.ap-northeast-1.amazonaws.com/", JSON10),
        sign("a path with characters to be encoded", SigV4Auth, "lambda", "us-east-1", "POST",
             "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123%3Afunction%3Af/invocations?Qualifier=a%20b", {}, b"{}"),
        sign("a path with dots and doubled slashes", SigV4Auth, "lambda", "us-east-1", "GET",
             "https://lambda.us-east-1.amazonaws.com/a/./b//c/../d/", {}),
        sign("header values with many blanks", SigV4Auth, "lambda", "us-east-1", "GET", "https://lambda.us-east-1.amazonaws.com/",
             {"X-Amz-Meta": "  a   b  "}),
        sign("S3, an object", S3SigV4Auth, "s3", "eu-west-1", "GET", s3 + "/folder/a.txt"),
        sign("S3, a key of many kinds", S3SigV4Auth, "s3", "eu-west-1", "PUT",
             s3 + "/a%20b/%E4%BD%A0%E5%A5%BD/%2B%25%23%3F~-_.%21%27%28%29%2A/./../x", {}, b"content"),
        sign("S3, a query out of order", S3SigV4Auth, "s3", "eu-west-1", "GET", s3 + "/?list-type=2&prefix=a%2Fb%20c&delimiter=%2F&acl&Z=1&a=2"),
        sign("S3, temporary keys", S3SigV4Auth, "s3", "eu-west-1", "GET", s3 + "/a", credentials=TEMPORARY),
        sign("S3, an unsigned payload", S3SigV4Auth, "s3", "eu-west-1", "PUT", s3 + "/a", {}, b"x", signed_body=False),
        sign("S3, the bucket in the path", S3SigV4Auth, "s3", "eu-west-1", "GET", "https://s3.eu-west-1.amazonaws.com/documents/a%20b"),
        sign("S3, a bucket with dots", S3SigV4Auth, "s3", "us-east-1", "GET", "https://a.b.c.s3.us-east-1.amazonaws.com/k"),
        sign("S3, China", S3SigV4Auth, "s3", "cn-north-1", "GET", "https://documents.s3.cn-north-1.amazonaws.com.cn/k",
             credentials=("AKIACHINA00000000000", "china/secret")),
        sign("S3, presigned", S3SigV4QueryAuth, "s3", "eu-west-1", "GET", s3 + "/a%20b/%E4%BD%A0?response-content-type=text%2Fplain", expires=3600),
        sign("S3, presigned with temporary keys", S3SigV4QueryAuth, "s3", "eu-west-1", "GET", s3 + "/a", credentials=TEMPORARY, expires=604800),
        sign("STS, presigned", SigV4QueryAuth, "sts", "us-east-1", "POST", "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity", {}, b"", expires=60),
        sign("REFUSED, without the host", Hostless, "lambda", "us-east-1", "GET", "https://lambda.us-east-1.amazonaws.com/"),
    ]
    print(json.dumps(vectors, indent=1, ensure_ascii=False))


main()
