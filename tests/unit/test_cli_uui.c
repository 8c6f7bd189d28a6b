/* SPDX-License-Identifier: Apache-2.0 */
/* `baton uui` as its user sees it: arguments and input in, text and exit code out. */
#include "cli/uui_cmd.h"
#include "test.h"
#include <stdlib.h>

/** What one run printed; free with drop. */
struct run {
    int code;
    char *out, *err;
    size_t out_len, err_len;
};

static struct run run(const char *input, const char *const *args)
{
    char *argv[16] = {0};
    int argc = 0;
    struct run r = {0};
    FILE *in = tmpfile();
    FILE *out = open_memstream(&r.out, &r.out_len);
    FILE *err = open_memstream(&r.err, &r.err_len);
    CHECK(in && out && err);
    fputs(input, in);
    rewind(in);
    argv[argc++] = strdup("uui");
    while (args[argc - 1]) {
        argv[argc] = strdup(args[argc - 1]);
        argc++;
    }
    char *keep[16];
    memcpy(keep, argv, sizeof(keep));
    r.code = uui_run(argc, argv, in, out, err);
    fclose(in);
    fclose(out);
    fclose(err);
    for (int i = 0; i < argc; i++) {
        free(keep[i]);
    }
    return r;
}

static void drop(struct run *r)
{
    free(r->out);
    free(r->err);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static bool has(const char *text, const char *what)
{
    return strstr(text, what) != NULL;
}

static void test_decode_explains_a_value(void)
{
    struct run r = run("", ARGS("decode", "04C8034B3D31;encoding=hex;q=\"a b\";flag"));
    CHECK_INT(r.code, 0);
    CHECK_STR(str_c(r.out), "04C8034B3D31;encoding=hex;q=\"a b\";flag\n"
                            "  valid\n"
                            "  package   isdn-uui (no purpose given)\n"
                            "  encoding  hex\n"
                            "  parameter q = \"a b\"\n"
                            "  parameter flag\n"
                            "  octets    6\n"
                            "       0  04                                               "
                            "protocol discriminator: IA5 characters\n"
                            "       1  C8 03 4B 3D 31                                   ..K=1\n"
                            "  item      C8, 3 octets: ASAI user data \"K=1\"\n");
    CHECK_STR(str_c(r.err), "");
    drop(&r);
}

static void test_decode_points_at_the_fault(void)
{
    struct run r = run("", ARGS("decode", "0448", "\"\xC3\xA4\";x y"));
    CHECK_INT(r.code, 1);
    CHECK(has(r.out, "\"\xC3\xA4\";x y\n"
                     "      ^\n"
                     "  wrong: this character may not stand here outside of quotes\n"
                     "  rule      CHAR (RFC 7433 §4.1, RFC 3261 §25.1), at octet 7\n"));
    drop(&r);
    r = run("", ARGS("decode", "a\033[2Jb"));
    CHECK(has(r.out, "a.[2Jb\n"));
    CHECK_INT(r.code, 1);
    drop(&r);
}

static void test_decode_notes(void)
{
    struct run r = run("", ARGS("decode", "0448;purpose=isdn-interwork"));
    CHECK_INT(r.code, 0);
    CHECK(has(r.out, "note      isdn-interwork"));
    drop(&r);
}

static void test_decode_reads_lines(void)
{
    struct run r = run("# from a log\n"
                       "User-to-User: 0448;encoding=hex\n"
                       "\n"
                       "0449;\n encoding=hex\r\n"
                       "Refer-To: <sip:a,b@h?User-to-User=044A%3Bencoding%3Dhex>\n"
                       "sip:a@h?User-to-User=044B\n",
                       ARGS("decode", "-"));
    CHECK_INT(r.code, 0);
    CHECK(has(r.out, "0448;encoding=hex\n  valid"));
    CHECK(has(r.out, "in Refer-To:\n044A;encoding=hex\n  valid"));
    CHECK(has(r.out, "in URI:\n044B\n  valid"));
    CHECK(has(r.out, "  04 "));
    drop(&r);
}

static const char message[] = "# trace\n"
                              "INVITE sip:a@h SIP/2.0\n"
                              "User-to-User: 0448\n"
                              "Contact: <sip:b@h?User-to-User=05%3Bpurpose%3Dx>\n"
                              "user-to-user : 0449;\n encoding=hex\n"
                              "\n"
                              "User-to-User: 99\n";

static void test_decode_sees_a_message_as_its_receiver(void)
{
    struct run r = run(message, ARGS("decode"));
    CHECK_INT(r.code, 1);
    CHECK(has(r.out, "0448\n^\n  ignored: more values of the package"));
    CHECK(has(r.out, "rule      MANY ("));
    CHECK(has(r.out, "in Contact:\n05;purpose=x\n"));
    CHECK(!has(r.out, "99"));
    drop(&r);
}

static void test_decode_json(void)
{
    struct run r = run("", ARGS("decode", "--json", "0448\"", "04C3A4;purpose=isdn-uui"));
    CHECK_INT(r.code, 1);
    CHECK(has(r.out, "[\n  {\n    \"value\": \"0448\\\"\",\n    \"verdict\": \"wrong\",\n"
                     "    \"rule\": \"CHAR\",\n"));
    CHECK(has(r.out, "\"at\": 4,"));
    CHECK(has(r.out, "\"octets\": \"04C3A4\",\n    \"discriminator\": 4,\n"
                     "    \"discriminatorText\": \"IA5 characters\",\n"
                     "    \"octetsAsText\": \"\xC3\xA4\"\n  }\n]\n"));
    drop(&r);
    r = run("\n", ARGS("decode", "--json"));
    CHECK_STR(str_c(r.out), "[]\n");
    CHECK_INT(r.code, 1);
    drop(&r);
    r = run("", ARGS("decode", "--json", "\"\x01\xFF\""));
    CHECK(has(r.out, "\"value\": \"\\\"\\u0001\xEF\xBF\xBD\\\"\""));
    drop(&r);
}

static void test_decode_limits(void)
{
    char many[80];
    memset(many, ',', sizeof(many) - 1);
    many[sizeof(many) - 1] = '\0';
    struct run r = run("", ARGS("decode", many));
    CHECK_INT(r.code, 1);
    CHECK_STR(str_c(r.err), "baton uui: more than 64 values in one message\n");
    drop(&r);
    r = run("", ARGS("decode"));
    CHECK_INT(r.code, 1);
    CHECK_STR(str_c(r.err), "baton uui: no User-to-User value\n");
    drop(&r);
}

static void check_encode(const char *input, const char *const *args, int code, const char *want)
{
    struct run r = run(input, args);
    CHECK_INT(r.code, code);
    CHECK_STR(str_c(r.out), want);
    drop(&r);
}

static void test_encode(void)
{
    check_encode("", ARGS("encode", "--text", "Hi", "--pd", "4"), 0,
                 "044869;encoding=hex;purpose=isdn-uui\n");
    check_encode("", ARGS("encode", "--hex=00 c8", "--content=isdn-uui", "--uri"), 0,
                 "00C8%3Bencoding%3Dhex%3Bpurpose%3Disdn-uui%3Bcontent%3Disdn-uui\n");
    check_encode("a=1", ARGS("encode", "-", "--package", "crm", "--encoding", "text"), 0,
                 "\"a=1\";encoding=text;purpose=crm\n");
    check_encode("", ARGS("encode", "--hex", "", "--pd", "0xFF"), 0,
                 "FF;encoding=hex;purpose=isdn-uui\n");
    check_encode("", ARGS("encode", "--text", ""), 1, "");
    check_encode("", ARGS("encode", "--text", "a", "--package", "isdn-interwork"), 1, "");
}

static void test_encode_warns_of_length(void)
{
    char text[131];
    memset(text, 'a', sizeof(text));
    text[129] = '\0';
    struct run r = run("", ARGS("encode", "--text", text));
    CHECK_INT(r.code, 0);
    CHECK_STR(str_c(r.err), "");
    drop(&r);
    text[129] = 'a';
    text[130] = '\0';
    r = run("", ARGS("encode", "--text", text));
    CHECK_INT(r.code, 0);
    CHECK(has(r.err, "130 octets"));
    drop(&r);
}

static void test_usage(void)
{
    static const char *const bad[][4] = {
        {"recode"},
        {"decode", "--yaml"},
        {"encode"},
        {"encode", "--hex", "0"},
        {"encode", "--hex", "0g"},
        {"encode", "--hex"},
        {"encode", "--text=a", "--hex=00"},
        {"encode", "--text=a", "--pd=256"},
        {"encode", "--text=a", "--pd=0x"},
        {"encode", "--text=a", "--pd=0x1FF"},
        {"encode", "--text=a", "--pd=x"},
        {"encode", "--text=a", "stray"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        test_context(bad[i][0]);
        check_encode("", ARGS(bad[i][0], bad[i][1], bad[i][2]), 2, "");
    }
    test_context(NULL);
    char *none[] = {NULL};
    CHECK_INT(uui_run(0, none, stdin, stdout, stderr), 2);
}

static void test_help_is_complete(void)
{
    CHECK_STR(str_c(help_uui.name), "uui");
    CHECK(strlen(help_uui.summary) <= 60);
    CHECK(help_uui.examples[0].command != NULL && help_uui.exits[2].code == 2);
}

static void test_decode_in_a_dialect(void)
{
    struct run r =
        run("", ARGS("decode", "--dialect", "sangoma", "X-Uui: user-information=a%40b"));
    CHECK_INT(r.code, 0);
    CHECK(has(r.out, "046140"
                     "62;encoding=hex;purpose=isdn-uui\n  valid\n"));
    CHECK(has(r.out, "note      the protocol discriminator was not in the data"));
    drop(&r);
    r = run("", ARGS("decode", "--dialect=cisco-aai", "--json",
                     "<sip:1@example.com;aai=PD%2C00%3BFA%2C0001000258BFD6BD>"));
    CHECK_INT(r.code, 0);
    CHECK(has(r.out, "\"ucid\": \"00001000021488967357\""));
    drop(&r);
    r = run("INVITE sip:1@example.com SIP/2.0\r\nX-UserToUser: 48656C\r\n"
            "User-to-User: 0449;encoding=hex\r\n\r\n",
            ARGS("decode", "--dialect", "audiocodes-x", "--pd", "0x08"));
    CHECK(has(r.out, "in X-UserToUser:\n0848656C;"));
    CHECK(has(r.out, "0449;encoding=hex"));
    drop(&r);
    r = run("", ARGS("decode", "--dialect", "klingon", "x"));
    CHECK_INT(r.code, 2);
    drop(&r);
}

static void test_decode_leniently(void)
{
    struct run r = run("", ARGS("decode", "--lenient", "00C8%3Bencoding%3Dhex"));
    CHECK_INT(r.code, 0);
    CHECK(has(r.out, "  valid\n"));
    CHECK(has(r.out, "forgiven  still escaped for a URI"));
    drop(&r);
    r = run("", ARGS("decode", "00C8%3Bencoding%3Dhex"));
    CHECK_INT(r.code, 1);
    drop(&r);
    r = run("", ARGS("decode", "--json", "--lenient", "Hello"));
    CHECK(has(r.out, "\"forgiven\": \"HEX_CHAR\""));
    CHECK(
        has(r.out, "\"notes\": [\"NO_ENCODING\", \"LOOKS_TEXT\", \"FORGIVEN\", \"PD_ADDED\"]"));
    drop(&r);
}

static void test_encode_in_a_dialect(void)
{
    struct run r =
        run("", ARGS("encode", "--pd", "4", "--text", "Hello", "--dialect", "sangoma"));
    CHECK_INT(r.code, 0);
    CHECK_STR(str_c(r.out), "X-Uui: protocol-discriminator=4;user-information=Hello\n");
    drop(&r);
    r = run("", ARGS("encode", "--pd", "4", "--text", "Hello", "--dialect", "cisco-aai"));
    CHECK_STR(str_c(r.out), ";aai=PD%2C04%3BC8%2C48656C6C6F\n");
    CHECK(has(r.err, "note: packed as ASAI user data"));
    drop(&r);
    r = run("", ARGS("encode", "--pd", "4", "--text", "Hello", "--dialect", "cisco-gtd"));
    CHECK_STR(str_c(r.out), "UUS,3,48656C6C6F\n");
    drop(&r);
    r = run("", ARGS("encode", "--pd", "4", "--text", "Hello", "--dialect", "genesys",
                     "--max-octets", "4"));
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "FAR_LENGTH"));
    CHECK_STR(str_c(r.out), "");
    drop(&r);
}

static void test_convert(void)
{
    struct run r = run("", ARGS("convert", "--from", "audiocodes-pd", "--to", "genesys",
                                "User-to-User: 48656c;pd=4"));
    CHECK_INT(r.code, 0);
    CHECK_STR(str_c(r.out),
              "User-to-User: 0448656C;encoding=hex;purpose=isdn-uui;content=isdn-uui\n");
    drop(&r);
    r = run("# a list\n\n0448;encoding=hex\n04C8\n048;encoding=hex\n",
            ARGS("convert", "--to", "bare-hex"));
    CHECK_INT(r.code, 1);
    CHECK_STR(str_c(r.out), "User-to-User: 48\nUser-to-User: C8\n");
    CHECK(has(r.err, "HEX_ODD"));
    drop(&r);
    r = run("", ARGS("convert", "--to", "bare-hex", "0848;encoding=hex"));
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "FAR_PD"));
    drop(&r);
    r = run("", ARGS("convert", "--to", "bare-hex", "--lenient", "0848;encoding=hex"));
    CHECK_INT(r.code, 0);
    CHECK_STR(str_c(r.out), "User-to-User: 48\n");
    CHECK(has(r.err, "discriminator was left out"));
    drop(&r);
    r = run("", ARGS("convert", "0448,0449"));
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "MANY"));
    drop(&r);
}

static void test_dialects_are_listed(void)
{
    struct run r = run("", ARGS("dialects"));
    CHECK_INT(r.code, 0);
    CHECK(has(r.out, "genesys-pd        Genesys Cloud"));
    drop(&r);
}

TEST_MAIN(T(test_decode_explains_a_value), T(test_decode_points_at_the_fault),
          T(test_decode_notes), T(test_decode_reads_lines),
          T(test_decode_sees_a_message_as_its_receiver), T(test_decode_json),
          T(test_decode_limits), T(test_encode), T(test_encode_warns_of_length), T(test_usage),
          T(test_help_is_complete), T(test_decode_in_a_dialect), T(test_decode_leniently),
          T(test_encode_in_a_dialect), T(test_convert), T(test_dialects_are_listed))
