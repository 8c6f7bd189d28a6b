/* SPDX-License-Identifier: Apache-2.0 */
/* `baton phone` without a server: its command line, and what it prints of a peer's text. */
#include "cli/phone.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>

static int start(const char *option)
{
    char words[5][48] = {"phone", "-s", "127.0.0.1", "sip:1001@example.com", ""};
    char *argv[] = {words[0], words[1], words[2], words[3], words[4], NULL};
    snprintf(words[4], sizeof(words[4]), "%s", option);
    return cmd_phone(5, argv);
}

/* None of these gets as far as a socket. */
static void test_wrong_options_are_refused(void)
{
    static const char *const wrong[] = {
        "--uui-ringing=zz", "--uui-answer=04C", "--uui-bye=",   "--auto-answer=soon",
        "--expires=0",      "--refuse=200",     "--no-such-one"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_context(wrong[i]);
        CHECK_INT(start(wrong[i]), EXIT_CODE_USAGE);
        test_context(NULL);
    }
}

static void check_line(bool json, const struct phone_news *news, const char *want)
{
    static struct phone p;
    char *text = NULL;
    size_t n = 0;
    FILE *terminal = stdout;
    p.opt.json = json;
    stdout = open_memstream(&text, &n);
    phone_show(&p, news);
    fclose(stdout);
    stdout = terminal;
    CHECK_STR(str_make(text, n), want);
    free(text);
}

static void test_a_peer_cannot_steer_the_terminal(void)
{
    const struct phone_news news = {
        .event = "refused", .peer = STR("sip:\x1b[2J@h"), .text = STR("Go\x07"), .status = 603};
    check_line(false, &news, "refused sip:.[2J@h 603 Go.\n");
    check_line(true, &news,
               "{\"event\": \"refused\", \"peer\": \"sip:\\u001B[2J@h\", \"status\": 603, "
               "\"text\": \"Go\\u0007\"}\n");
}

/** What is typed names a call however long the phone has been up, and one that stands keeps its
 * number. */
static void test_numbers_of_calls_come_again(void)
{
    static struct phone p;
    static struct leg leg;
    for (unsigned n = 1; n <= PHONE_NUMBERS; n++) {
        CHECK_INT(phone_number(&p), n);
    }
    p.call[2] = (struct phone_call){.leg = &leg, .id = 1};
    p.call[5] = (struct phone_call){.leg = &leg, .id = 2};
    CHECK_INT(phone_number(&p), 3);
    CHECK_INT(phone_number(&p), 4);
}

TEST_MAIN(T(test_wrong_options_are_refused), T(test_a_peer_cannot_steer_the_terminal),
          T(test_numbers_of_calls_come_again))
