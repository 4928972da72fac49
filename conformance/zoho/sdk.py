"""One run of the Python SDK: reads what to do as JSON, does it, and prints as JSON what the SDK made of the answer.

Nothing is judged here, and each scenario is a process of its own, since the SDK keeps global state.
"""

import json
import os
import sys

from zohocrmsdk.src.com.zoho.api.authenticator import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.crm.api import ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.exception import SDKException
from zohocrmsdk.src.com.zoho.crm.api.features import APIException, FeaturesOperations, ResponseWrapper
from zohocrmsdk.src.com.zoho.crm.api.features import GetFeatureDetailsParam
from zohocrmsdk.src.com.zoho.crm.api.initializer import Initializer


def row(feature):
    details = feature.get_details()
    counts = [None] * 3
    if details is not None:
        counts = [details.get_limits(), details.get_used_count(), details.get_available_count()]
    return {
        "api_name": feature.get_api_name(),
        "label": feature.get_feature_label(),
        "module_supported": feature.get_module_supported(),
        "components": feature.get_components(),
        "parent_feature": feature.get_parent_feature(),
        "totals": [None if count is None else count.get_total() for count in counts],
    }


def seen(response):
    if response is None:
        # It logs some failures of its own and gives nothing back.
        return {"object": "no response"}
    answer = response.get_object()
    shown = {"status": response.get_status_code(), "object": type(answer).__name__}
    if isinstance(answer, ResponseWrapper):
        shown["rows"] = [row(feature) for feature in answer.get_features()]
        info = answer.get_info()
        if info is not None:
            shown["info"] = [info.get_page(), info.get_per_page(), info.get_count(), info.get_more_records()]
    elif isinstance(answer, APIException):
        shown["code"] = answer.get_code().get_value()
        shown["state"] = answer.get_status().get_value()
        shown["message"] = answer.get_message().get_value()
        shown["details"] = answer.get_details()
    return shown


def parameters(given):
    names = {"module": GetFeatureDetailsParam.module, "api_names": GetFeatureDetailsParam.api_names}
    chosen = ParameterMap()
    for name, value in given.items():
        chosen.add(names[name], value)
    return chosen


def run(plan, store):
    base = plan["base"]
    accounts = plan["accounts"] + "/oauth/v2/token"
    if plan["call"] == "revoke":
        return {"revoked": OAuthToken.revoke_refresh_token(plan["of"], accounts + "/revoke")}
    token = OAuthToken(**plan["token"], find_user=plan["find_user"])
    environment = DataCenter.Environment(base, accounts, base)
    Initializer.initialize(environment, token, store=store, resource_path=os.getcwd())
    # One token is in hand by now; these are more.
    for _ in range(plan["refreshes"]):
        token.refresh_access_token(token, accounts)
    operations = FeaturesOperations()
    if plan["call"] == "count":
        return seen(operations.get_user_licences_count())
    if plan["call"] == "list":
        return seen(operations.get_feature_details(parameters(plan["of"])))
    return seen(operations.get_feature_detail(plan["of"]))


def main():
    store = FileStore(os.path.join(os.getcwd(), "tokens.txt"))
    try:
        shown = run(json.load(sys.stdin), store)
    except SDKException as error:
        shown = {"raised": [error.code, error.error_message]}
    shown["stored"] = [
        {
            "user": token.get_user_signature() and token.get_user_signature().get_name(),
            "access_token": token.get_access_token(),
            "refresh_token": token.get_refresh_token(),
            "api_domain": token.get_api_domain(),
        }
        for token in store.get_tokens()
    ]
    print(json.dumps(shown))


main()
