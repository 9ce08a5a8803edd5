"""The page for people says all that the description for programs says, and runs nothing."""

from clinnlp.service.app import application
from clinnlp.service.described import docs_page, openapi


def test_the_page_names_every_route_form_and_key(service):
    said = openapi(application(service(load=False)))
    page = docs_page(said)
    names = [*said["paths"], *said["components"]["schemas"]]
    keys = [k for one in said["components"]["schemas"].values() for k in one.get("properties", ())]
    assert [name for name in (*names, *keys) if name not in page] == []


def test_calls_of_generated_clients_have_short_names(service):
    paths = openapi(application(service(load=False)))["paths"]
    named = {path: route["operationId"] for path, one in paths.items() for route in one.values()}
    assert named["/v1/extract"] == "extract"
    assert all(name.isidentifier() and len(name) < 16 for name in named.values())


def test_what_stands_in_a_description_is_no_html():
    page = docs_page({"info": {"title": "<script>", "version": "&"}, "paths": {}})
    assert "<script>" not in page
