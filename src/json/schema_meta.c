/* SPDX-License-Identifier: Apache-2.0
 *
 * The draft's own documents: what `$schema` names, and what schemas of schemas refer to. Each of
 * them is its vocabulary, its title and the shape of its keywords; the rest is the same in all.
 */
#include "json/schema_inner.h"

#define DRAFT "https://json-schema.org/draft/2020-12/"
/* clang-format off */
#define ID(name)                                                                                   \
    "\"$id\":\"" DRAFT name "\",\"$schema\":\"" DRAFT "schema\",\"$dynamicAnchor\":\"meta\","
#define VOCABULARY(name) "\"" DRAFT "vocab/" name "\":"
#define OF(name) "\"$vocabulary\":{" VOCABULARY(name) "true},"
#define PART(name) "{\"$ref\":\"meta/" name "\"}"

#define SHAPE "\"type\":[\"object\",\"boolean\"],"
#define META "{\"$dynamicRef\":\"#meta\"}"
#define MAP "{\"type\":\"object\",\"additionalProperties\":" META ",\"default\":{}}"
#define LIST "{\"$ref\":\"#/$defs/schemaArray\"}"
#define LIST_DEF "\"schemaArray\":{\"type\":\"array\",\"minItems\":1,\"items\":" META "}"
#define TEXT "{\"type\":\"string\"}"
#define FLAG "{\"type\":\"boolean\",\"default\":false}"
#define COUNT "{\"$ref\":\"#/$defs/nonNegativeInteger\"}"
#define COUNT_0 "{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"}"
#define URI_REFERENCE "{\"$ref\":\"#/$defs/uriReferenceString\"}"
#define ANCHOR "{\"$ref\":\"#/$defs/anchorString\"}"

static const struct {
    struct str uri, text;
} DOCUMENTS[] = {
    {STR(DRAFT "schema"),
     STR("{" ID("schema") "\"$vocabulary\":{" VOCABULARY("core") "true," VOCABULARY(
         "applicator") "true," VOCABULARY("unevaluated") "true," VOCABULARY("validation") "true,"
         VOCABULARY("meta-data") "true," VOCABULARY("format-annotation") "true,"
         VOCABULARY("content") "true},\"title\":\"Core and Validation specifications meta-schema\","
         "\"allOf\":[" PART("core") "," PART("applicator") "," PART("unevaluated") ","
         PART("validation") "," PART("meta-data") "," PART("format-annotation") ","
         PART("content") "]," SHAPE "\"properties\":{\"definitions\":{\"type\":\"object\","
         "\"additionalProperties\":" META ",\"deprecated\":true,\"default\":{}},"
         "\"dependencies\":{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[" META ","
         "{\"$ref\":\"meta/validation#/$defs/stringArray\"}]},\"deprecated\":true,\"default\":{}},"
         "\"$recursiveAnchor\":{\"$ref\":\"meta/core#/$defs/anchorString\",\"deprecated\":true},"
         "\"$recursiveRef\":{\"$ref\":\"meta/core#/$defs/uriReferenceString\",\"deprecated\":true}"
         "}}")},
    {STR(DRAFT "meta/core"),
     STR("{" ID("meta/core") OF("core") "\"title\":\"Core vocabulary meta-schema\"," SHAPE
         "\"properties\":{\"$id\":{\"$ref\":\"#/$defs/uriReferenceString\","
         "\"pattern\":\"^[^#]*#?$\"},\"$schema\":{\"$ref\":\"#/$defs/uriString\"},"
         "\"$ref\":" URI_REFERENCE ",\"$anchor\":" ANCHOR ",\"$dynamicRef\":" URI_REFERENCE ","
         "\"$dynamicAnchor\":" ANCHOR ",\"$vocabulary\":{\"type\":\"object\","
         "\"propertyNames\":{\"$ref\":\"#/$defs/uriString\"},"
         "\"additionalProperties\":{\"type\":\"boolean\"}},\"$comment\":" TEXT ",\"$defs\":"
         "{\"type\":\"object\",\"additionalProperties\":" META "}},\"$defs\":{\"anchorString\":"
         "{\"type\":\"string\",\"pattern\":\"^[A-Za-z_][-A-Za-z0-9._]*$\"},"
         "\"uriString\":{\"type\":\"string\",\"format\":\"uri\"},"
         "\"uriReferenceString\":{\"type\":\"string\",\"format\":\"uri-reference\"}}}")},
    {STR(DRAFT "meta/applicator"),
     STR("{" ID("meta/applicator") OF("applicator")
         "\"title\":\"Applicator vocabulary meta-schema\"," SHAPE
         "\"properties\":{\"prefixItems\":" LIST ",\"items\":" META ",\"contains\":" META ","
         "\"additionalProperties\":" META ",\"properties\":" MAP ","
         "\"patternProperties\":{\"type\":\"object\",\"additionalProperties\":" META ","
         "\"propertyNames\":{\"format\":\"regex\"},\"default\":{}},\"dependentSchemas\":" MAP ","
         "\"propertyNames\":" META ",\"if\":" META ",\"then\":" META ",\"else\":" META ","
         "\"allOf\":" LIST ",\"anyOf\":" LIST ",\"oneOf\":" LIST ",\"not\":" META "},"
         "\"$defs\":{" LIST_DEF "}}")},
    {STR(DRAFT "meta/unevaluated"),
     STR("{" ID("meta/unevaluated") OF("unevaluated")
         "\"title\":\"Unevaluated applicator vocabulary meta-schema\"," SHAPE
         "\"properties\":{\"unevaluatedItems\":" META ",\"unevaluatedProperties\":" META "}}")},
    {STR(DRAFT "meta/validation"),
     STR("{" ID("meta/validation") OF("validation")
         "\"title\":\"Validation vocabulary meta-schema\"," SHAPE
         "\"properties\":{\"type\":{\"anyOf\":[{\"$ref\":\"#/$defs/simpleTypes\"},"
         "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/simpleTypes\"},\"minItems\":1,"
         "\"uniqueItems\":true}]},\"const\":true,\"enum\":{\"type\":\"array\",\"items\":true},"
         "\"multipleOf\":{\"type\":\"number\",\"exclusiveMinimum\":0},"
         "\"maximum\":{\"type\":\"number\"},\"exclusiveMaximum\":{\"type\":\"number\"},"
         "\"minimum\":{\"type\":\"number\"},\"exclusiveMinimum\":{\"type\":\"number\"},"
         "\"maxLength\":" COUNT ",\"minLength\":" COUNT_0 ","
         "\"pattern\":{\"type\":\"string\",\"format\":\"regex\"},\"maxItems\":" COUNT ","
         "\"minItems\":" COUNT_0 ",\"uniqueItems\":" FLAG ",\"maxContains\":" COUNT ","
         "\"minContains\":{\"$ref\":\"#/$defs/nonNegativeInteger\",\"default\":1},"
         "\"maxProperties\":" COUNT ",\"minProperties\":" COUNT_0 ","
         "\"required\":{\"$ref\":\"#/$defs/stringArray\"},\"dependentRequired\":"
         "{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#/$defs/stringArray\"}}},"
         "\"$defs\":{\"nonNegativeInteger\":{\"type\":\"integer\",\"minimum\":0},"
         "\"nonNegativeIntegerDefault0\":{\"$ref\":\"#/$defs/nonNegativeInteger\",\"default\":0},"
         "\"simpleTypes\":{\"enum\":[\"array\",\"boolean\",\"integer\",\"null\",\"number\","
         "\"object\",\"string\"]},\"stringArray\":{\"type\":\"array\",\"items\":" TEXT ","
         "\"uniqueItems\":true,\"default\":[]}}}")},
    {STR(DRAFT "meta/meta-data"),
     STR("{" ID("meta/meta-data") OF("meta-data")
         "\"title\":\"Meta-data vocabulary meta-schema\"," SHAPE
         "\"properties\":{\"title\":" TEXT ",\"description\":" TEXT ",\"default\":true,"
         "\"deprecated\":" FLAG ",\"readOnly\":" FLAG ",\"writeOnly\":" FLAG ","
         "\"examples\":{\"type\":\"array\",\"items\":true}}}")},
    {STR(DRAFT "meta/format-annotation"),
     STR("{" ID("meta/format-annotation") OF("format-annotation")
         "\"title\":\"Format vocabulary meta-schema for annotation results\"," SHAPE
         "\"properties\":{\"format\":" TEXT "}}")},
    {STR(DRAFT "meta/format-assertion"),
     STR("{" ID("meta/format-assertion") OF("format-assertion")
         "\"title\":\"Format vocabulary meta-schema for assertion results\"," SHAPE
         "\"properties\":{\"format\":" TEXT "}}")},
    {STR(DRAFT "meta/content"),
     STR("{" ID("meta/content") OF("content") "\"title\":\"Content vocabulary meta-schema\"," SHAPE
         "\"properties\":{\"contentEncoding\":" TEXT ",\"contentMediaType\":" TEXT ","
         "\"contentSchema\":" META "}}")},
};
/* clang-format on */

struct str schema_meta_find(struct str uri)
{
    for (size_t i = 0; i < COUNT_OF(DOCUMENTS); i++) {
        if (str_eq(uri, DOCUMENTS[i].uri)) {
            return DOCUMENTS[i].text;
        }
    }
    return STR_NONE;
}
