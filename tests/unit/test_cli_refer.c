/* SPDX-License-Identifier: Apache-2.0 */
/* `baton refer`: command line, what is written into Refer-To, what a NOTIFY says. */
#include "cli/refer_cmd.h"
#include "sip/embed.h"
#include "test.h"

static void check_to(const char *target, const char *uui, const char *want)
{
    char buf[512];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    refer_write_to(&o, str_c(target), STR("10.0.0.1"), str_c(uui));
    CHECK_STR(out_str_of(&o), want);
}

static void test_refer_to(void)
{
    check_to("1002", NULL, "<sip:1002@10.0.0.1>");
    check_to("1002@example.com", NULL, "<sip:1002@example.com>");
    check_to("tel:+4989555", NULL, "<tel:+4989555>");
    check_to("sip:1002@e.com?Subject=x", "01", "<sip:1002@e.com?Subject=x&User-to-User=01>");
    check_to("1002", "0448;encoding=hex",
             "<sip:1002@10.0.0.1?User-to-User=0448%3Bencoding%3Dhex>");
}

/** What was embedded comes out again, octet by octet, whatever is in it. */
static void test_embedded_comes_out_again(void)
{
    static const char *const values[] = {"0448;encoding=hex;purpose=isdn-uui",
                                         "\"a, b?&=%41\";purpose=x", "a;x=\"<>\\\"\""};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char buf[512];
        struct out o;
        struct sip_addr a;
        struct sip_embedded e;
        struct arena arena;
        uint32_t at;
        out_init(&o, buf, sizeof(buf));
        refer_write_to(&o, STR("1002"), STR("e.com"), str_c(values[i]));
        arena_init(&arena, &mem_libc, 1024);
        CHECK_INT(sip_addr_parse(out_str_of(&o), &a, &at), 0);
        CHECK_INT(sip_embed(&a.uri, &arena, &e), 0);
        CHECK_STR(e.uui, values[i]);
        arena_fini(&arena);
    }
}

static void test_status(void)
{
    struct str reason = STR_NONE;
    CHECK_INT(refer_read_status(STR("SIP/2.0 180 Ringing\r\n"), &reason), 180);
    CHECK_STR(reason, "Ringing");
    CHECK_INT(refer_read_status(STR("SIP/2.0 200\r\nX: 1\r\n"), &reason), 200);
    CHECK_STR(reason, "");
    CHECK_INT(refer_read_status(STR("SIP/2.0 99 x\r\n"), &reason), 0);
    CHECK_INT(refer_read_status(STR("SIP/2.0 700 x\r\n"), &reason), 0);
    CHECK_INT(refer_read_status(STR("INVITE x"), &reason), 0);
    CHECK_INT(refer_read_status(STR(""), &reason), 0);
}

static int parse(const char *a, const char *b, const char *c, const char *d,
                 struct refer_command *out)
{
    char *argv[] = {(char[]){"refer"}, (char *)(uintptr_t)a, (char *)(uintptr_t)b,
                    (char *)(uintptr_t)c, (char *)(uintptr_t)d};
    int argc = 1;
    while (argc < 5 && argv[argc] != NULL) {
        argc++;
    }
    return refer_command_parse(argc, argv, out);
}

static void test_command_line(void)
{
    struct refer_command c;
    CHECK_INT(parse("--server=127.0.0.1:5062;transport=tcp", "--user=crm", "1001", "1002", &c),
              EXIT_CODE_OK);
    CHECK_STR(str_c(c.device), "1001");
    CHECK_STR(str_c(c.target), "1002");
    CHECK_INT(c.server.port, 5062);
    CHECK_INT(parse("--server=127.0.0.1", "--user=crm", "1001", NULL, &c), EXIT_CODE_USAGE);
    CHECK_INT(parse("--server=127.0.0.1", "1001", "1002", NULL, &c), EXIT_CODE_USAGE);
    CHECK_INT(parse("--server=a b", "--user=crm", "1001", "1002", &c), EXIT_CODE_USAGE);
    CHECK_INT(parse("--what", "--user=crm", "1001", "1002", &c), EXIT_CODE_USAGE);
}

TEST_MAIN(T(test_refer_to), T(test_embedded_comes_out_again), T(test_status),
          T(test_command_line))
