"""JSON Schema, as much of it as docs/openapi.json uses; a keyword that is not known here is an
error.

    document = Document(json.loads(text))     # an OpenAPI file
    document.resolve(node)                     # behind its $ref
    document.check(schema)                     # every keyword is known, every $ref leads somewhere
    document.errors(schema, value)             # [] where it fits, else a line for each fault:
                                               # "keys[0].help: ..."
"""
import re

KINDS = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}
WORDS = {"description", "default"}  # that say nothing of a value
SIZES = {
    "minimum": ("number", lambda value, limit: value >= limit),
    "maximum": ("number", lambda value, limit: value <= limit),
    "minLength": ("string", lambda value, limit: len(value) >= limit),
    "pattern": ("string", lambda value, pattern: re.search(pattern, value)),
    "minItems": ("array", lambda value, limit: len(value) >= limit),
    "maxItems": ("array", lambda value, limit: len(value) <= limit),
}
KEYWORDS = {"$ref", "type", "enum", "anyOf", "properties", "required", "additionalProperties",
            "items", *SIZES, *WORDS}


class Document:
    def __init__(self, root):
        self.root = root

    def resolve(self, node):
        while "$ref" in node:
            assert set(node) == {"$ref"} and node["$ref"].startswith("#/"), node
            found = self.root
            for name in node["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            node = found
        return node

    def check(self, schema):
        """Of an object it must be said what else it may hold."""
        schema = self.resolve(schema)
        assert set(schema) <= KEYWORDS, f"unknown keywords: {set(schema) - KEYWORDS}"
        assert {"type", "enum", "anyOf"} & set(schema), f"this says nothing: {schema}"
        if schema.get("type") == "object":
            assert "additionalProperties" in schema, f"what else? {schema}"
            assert set(schema.get("required", ())) <= set(schema.get("properties", ())), schema
        if schema.get("type") == "array":
            assert "items" in schema, f"of what? {schema}"
        for below in self._below(schema):
            self.check(below)

    @staticmethod
    def _below(schema):
        yield from schema.get("properties", {}).values()
        yield from schema.get("anyOf", ())
        if "items" in schema:
            yield schema["items"]
        if isinstance(schema.get("additionalProperties"), dict):
            yield schema["additionalProperties"]

    def errors(self, schema, value, where=""):
        schema = self.resolve(schema)
        kinds = schema.get("type", list(KINDS))
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not any(KINDS[kind](value) for kind in kinds):
            return [f"{where}: {value!r} is no {' or '.join(kinds)}"]
        found = []
        if "enum" in schema and not any(value == one and type(value) is type(one)
                                        for one in schema["enum"]):
            found.append(f"{where}: {value!r} is none of {schema['enum']}")
        if "anyOf" in schema and all(self.errors(one, value) for one in schema["anyOf"]):
            found.append(f"{where}: {value!r} fits none of them")
        for name, (kind, fits) in SIZES.items():
            if name in schema and KINDS[kind](value) and not fits(value, schema[name]):
                found.append(f"{where}: {value!r} against {name} {schema[name]}")
        if isinstance(value, list) and "items" in schema:
            for i, one in enumerate(value):
                found += self.errors(schema["items"], one, f"{where}[{i}]")
        if isinstance(value, dict):
            found += self._object_errors(schema, value, where)
        return found

    def _object_errors(self, schema, value, where):
        found = [f"{where}: {name} is missing" for name in schema.get("required", ())
                 if name not in value]
        more = schema.get("additionalProperties", True)
        for name, one in value.items():
            below = schema.get("properties", {}).get(name, more)
            if below is False:
                found.append(f"{where}: {name} is not described")
            elif below is not True:
                found += self.errors(below, one, f"{where}.{name}")
        return found
