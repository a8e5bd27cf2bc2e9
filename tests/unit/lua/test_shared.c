/* sioc.shared as scripts see it; what a store does is unit/script/test_shared. */
#include "helper_host.h"

#define HEAD "local sioc = require 'sioc' local s = sioc.shared 'things'\n"
#define STOP "\nsioc.stop()"

static void values(void **state)
{
    (void)state;
    rig_script(HEAD "print(s:get 'a', s:set('a', {1, {b = sioc.null}, 'x', sioc.array {}}))\n"
                    "print(s:get 'a')\n"
                    "print(s:set('a', true), s:get 'a', sioc.shared 'things':get 'a')\n"
                    "print(sioc.shared 'others':get 'a')\n"
                    "s:set('i', 7) s:set('f', 7.5) s:set('w', 7.0)\n"
                    "print(math.type(s:get 'i'), math.type(s:get 'f'), s:get 'w')\n"
                    "s:set('b', sioc.binary '\\0\\255') print(s:get 'b':str() == '\\0\\255')\n"
                    "print(s:set('a', nil), s:get 'a', s:set('i', sioc.null), s:get 'i')\n"
                    "local t = {1} s:set('t', t) t[1] = 2 print(s:get 't'[1])\n"
                    "print(s.get == sioc.shared 'x'.get, s.nothing)" STOP,
               "nil\ttrue\n"
               "[1,{\"b\":null},\"x\",[]]\n"
               "true\ttrue\ttrue\n"
               "nil\n"
               "integer\tfloat\t7\n"
               "true\n"
               "true\tnil\ttrue\tnil\n"
               "1\n"
               "true\tnil\n");
}

static void steps(void **state)
{
    (void)state;
    rig_script(HEAD "print(s:add('k', 1), s:add('k', 2), s:get 'k')\n"
                    "print(s:cas('k', 2, 3), s:cas('k', 1, {a = 1, b = 2}), s:get 'k'.b)\n"
                    "print(s:cas('k', {b = 2, a = 1}, nil), s:get 'k')\n"
                    "print(s:cas('k', nil, 5), s:cas('k', nil, 6), s:get 'k')\n"
                    "print(s:incr 'n', s:incr('n', 4), s:incr('n', -0.5), s:incr('m', 2.5))\n"
                    "print(s:set('short', 1, 0.02), s:incr('counted', 1, 0.02))\n"
                    "print(s:get 'short', s:get 'counted')\n"
                    "sioc.sleep(0.04)\n"
                    "print(s:get 'short', s:get 'counted', s:add('short', 2, 60))" STOP,
               "true\tfalse\t1\n"
               "false\ttrue\t2\n"
               "true\tnil\n"
               "true\tfalse\t5\n"
               "1\t5\t4.5\t2.5\n"
               "true\t1\n"
               "1\t1\n"
               "nil\tnil\ttrue\n");
}

static void mistakes(void **state)
{
    (void)state;
    rig_script(
        HEAD "local function try(...) print((select(2, pcall(...)):gsub('^.-%d: ', ''))) end\n"
             "try(s.set, s, 'k', print) try(s.set, s, 'k', {a = {print}})\n"
             "try(s.cas, s, 'k', 1, {[true] = 1}) try(s.add, s, 'k', nil)\n"
             "try(s.set, s, 'k', 1, 0) try(s.set, s, 'k', 1, -1) try(s.set, s, {}, 1)\n"
             "try(s.set, s, ('k'):rep(1025), 1) try(sioc.shared, ('n'):rep(257))\n"
             "s:set('text', 'x') try(s.incr, s, 'text') try(s.incr, s, 'n', 1/0)\n"
             "try(s.get, 'k') print(s:get 'k', s:get 'n')" STOP,
        "a function cannot be sent\n"
        "field \"a[1]\": a function cannot be sent\n"
        "a boolean as key; keys are strings\n"
        "bad argument #3 to '?' (a value expected)\n"
        "bad argument #4 to '?' (a time to live above 0 expected)\n"
        "bad argument #4 to '?' (a time to live above 0 expected)\n"
        "bad argument #2 to '?' (string expected, got table)\n"
        "the name of a key is longer than 1024 bytes\n"
        "bad argument #1 to 'sioc.shared' (a name of at most 256 bytes)\n"
        "\"text\" holds no number\n"
        "bad argument #3 to '?' (a finite number expected)\n"
        "this is a method: call it with a colon, as in io:emit(...) or socket:emit(...)\n"
        "nil\tnil\n");
}

static void full(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(
        rig_load(&rig,
                 HEAD "sioc.server {max_shared_bytes = 2000} sioc.server()\n"
                      "print(s:set('a', ('x'):rep(1500)))\n"
                      "print(s:set('b', ('x'):rep(1500)))\n"
                      "print(s:add('b', ('x'):rep(1500)))\n"
                      "print(s:get 'b', s:set('a', 1), s:set('b', ('x'):rep(1500)))" STOP),
        0);
    assert_string_equal(rig.log, "true\n"
                                 "warn: sioc.shared is full: nothing more fits into "
                                 "max_shared_bytes=2000\n" /* once */
                                 "nil\tfull (option max_shared_bytes)\n"
                                 "nil\tfull (option max_shared_bytes)\n"
                                 "nil\ttrue\ttrue\n");
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(steps),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
