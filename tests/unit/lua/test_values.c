/* Values from JSON to Lua and back: build.c, walk.c, values.c. */
#include "helper_host.h"

#define HEAD "local sioc = require 'sioc' local json = sioc.json\n"
#define TAIL " sioc.stop()"

static void round_trip_keeps_values(void **state)
{
    (void)state;
    rig_script(HEAD "for _, text in ipairs {'[]', '{}', '[1,2,3]', '[null]', '[[],[{}]]',"
                    "  '\"caf\\\\u00e9\"', '9223372036854775807', '-1', '1.5', '1e+21', 'true',"
                    "  '{\"a\":{\"b\":[1,{\"c\":null}]}}', 'null', '[\"\"]'} do"
                    "  print(json.encode(json.decode(text))) end" TAIL,
               "[]\n{}\n[1,2,3]\n[null]\n[[],[{}]]\n\"caf\xc3\xa9\"\n9223372036854775807\n-1\n"
               "1.5\n1e+21\ntrue\n{\"a\":{\"b\":[1,{\"c\":null}]}}\nnull\n[\"\"]\n");
}

static void types_are_told_apart(void **state)
{
    (void)state;
    rig_script(
        HEAD "print(math.type(json.decode '1'), math.type(json.decode '1.0'))\n"
             "print(json.encode(3.0), json.encode(0/0), json.encode(1/0), json.encode(2^53))\n"
             "print(json.encode {}, json.encode(sioc.array {}), json.encode(sioc.array()))\n"
             "print(json.decode('[null]')[1] == sioc.null, json.decode('{\"a\":null}').a == "
             "sioc.null)\n"
             "print(json.encode {1, 2, sioc.null}, json.encode {[2] = 'b', [1] = 'a'})\n"
             "print(json.encode(sioc.array {[3] = 1}))\n"
             "print(json.encode {x = sioc.raw ' {\"y\": 1}'})\n"
             "print(json.decode('{\"a\":1,\"a\":2}').a)\n" TAIL,
        "integer\tfloat\n3\tnull\tnull\t9007199254740992\n{}\t[]\t[]\ntrue\ttrue\n"
        "[1,2,null]\t[\"a\",\"b\"]\n[null,null,1]\n{\"x\": {\"y\": 1}}\n2\n");
}

/* More elements than are staged on the stack at once. */
static void large_tables(void **state)
{
    (void)state;
    rig_script(HEAD
               "for _, n in ipairs {31, 32, 33, 64, 65, 1000, 100000} do\n"
               "  local list, map = {}, {}\n"
               "  for i = 1, n do list[i] = i map['k' .. i] = i end\n"
               "  local l, m = json.decode(json.encode(list)), json.decode(json.encode(map))\n"
               "  assert(#l == n and json.encode(l) == json.encode(list))\n"
               "  local count = 0\n"
               "  for k, v in pairs(m) do assert(k == 'k' .. v) count = count + 1 end\n"
               "  assert(count == n)\n"
               "end\n"
               "local deep = ('['):rep(64) .. (']'):rep(64)\n"
               "assert(json.encode(json.decode(deep)) == deep)\n"
               "print(json.decode('[' .. deep .. ']'))\n"
               "print(json.decode('[1,'))\n" TAIL,
               "nil\tnested too deeply at byte 65\nnil\tsyntax error at byte 4\n");
}

static void errors_name_the_path(void **state)
{
    (void)state;
    rig_script(
        HEAD
        "local function try(v) print((select(2, pcall(json.encode, v)))) end\n"
        "try(print) try({a = {b = {1, 2, print}}}) try({a = '\\255'}) try('\\255')\n"
        "try({1, 2, x = 1}) try({[5] = 1}) try({1, nil, 3}) try({a = {[true] = 1}})\n"
        "try({['x y'] = {coroutine.create(print)}}) try({io.stdout})\n"
        "try({a = {sioc.binary 'x'}}) try(sioc.array {x = 1}) try(sioc.array {[1000000] = 1})\n"
        "try({{}, nil, 3})\n"
        "local loop = {} loop.me = loop\n"
        "print((select(2, pcall(json.encode, loop)):match '^field \"me%.me' ~= nil))\n" TAIL,
        "a function cannot be sent\n"
        "field \"a.b[3]\": a function cannot be sent\n"
        "field \"a\": not valid UTF-8; use sioc.binary() for raw bytes\n"
        "not valid UTF-8; use sioc.binary() for raw bytes\n"
        "elements 1, 2, ... mixed with other keys\n"
        "a sparse array, or one mixed with names; use sioc.array() for holes, or tostring() "
        "the "
        "keys\n"
        "a sparse array; use sioc.array() to send the holes\n"
        "field \"a\": a boolean as key; keys are strings\n"
        "field \"x y[1]\": a thread cannot be sent\n"
        "field \"[1]\": a FILE* cannot be sent\n"
        "field \"a[1]\": binary data has no place in JSON text\n"
        "an array with keys that are not 1, 2, 3, ...\n"
        "an array with too many holes\n"
        "a sparse array; use sioc.array() to send the holes\n"
        "true\n");
}

static void buffers(void **state)
{
    (void)state;
    rig_script(HEAD
               "local b = sioc.binary 'hello'\n"
               "print(#b, b:str(), b:sub(2, 3), b:sub(-3), b:sub(4, 99), b:sub(3, 2) == '')\n"
               "print(b == sioc.binary 'hello', b == sioc.binary 'hellO', b == 'hello', "
               "tostring(b))\n"
               "print(sioc.binary(b) == b, #sioc.binary '', sioc.binary('').str ~= nil)\n"
               "print(pcall(b.str, 'x'))\n"
               "print(b:sub(0, 1), b:sub(-99, 1), b:sub(6), b:sub(math.mininteger, "
               "math.maxinteger))\n" TAIL,
               "5\thello\tel\tllo\tlo\ttrue\ntrue\tfalse\tfalse\tsioc.Buffer (5 bytes)\n"
               "true\t0\ttrue\nfalse\tbad argument #1 to '?' (sioc.Buffer expected, got "
               "string)\nh\th\t\thello\n");
}

static void raw_is_checked(void **state)
{
    (void)state;
    rig_script(HEAD "print(pcall(sioc.raw, '{\"a\":}')) print(tostring(sioc.raw '[1]'))\n" TAIL,
               "false\tsioc.raw: syntax error at byte 6\n[1]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip_keeps_values),
        cmocka_unit_test(types_are_told_apart),
        cmocka_unit_test(large_tables),
        cmocka_unit_test(errors_name_the_path),
        cmocka_unit_test(buffers),
        cmocka_unit_test(raw_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
