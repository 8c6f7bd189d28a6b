/* SPDX-License-Identifier: Apache-2.0 */
/* Message summaries (RFC 3842 §5.2): what is read, what is kept, and what is none. */
#include "event/parts.h"
#include "test.h"

static struct arena arena;

static bool read_text(const char *body, struct str *text)
{
    struct str guarded = test_guard(str_c(body));
    struct str got;
    bool ok = mailbox_read(&arena, guarded, &got);
    test_guard_free(guarded);
    *text = ok ? got : STR_NONE; /* in the arena, not in the body */
    return ok;
}

static void test_summaries(void)
{
    static const struct {
        const char *body, *kept;
    } table[] = {
        {"Messages-Waiting: yes", "Messages-Waiting: yes\r\n"},
        {"Messages-Waiting: no\r\n", "Messages-Waiting: no\r\n"},
        {"MESSAGES-WAITING:Yes\n", "MESSAGES-WAITING: Yes\r\n"},
        {"Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\n"
         "Voice-Message: 4/8 (1/2)\r\nVideo-message: 0/2\r\n\r\nTo: <sip:a@b>\r\n",
         "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\n"
         "Voice-Message: 4/8 (1/2)\r\nVideo-message: 0/2\r\n"},
        {"", NULL},
        {"\r\n", NULL},
        {"Messages-Waiting", NULL},
        {"Messages-Waiting: ", NULL},
        {"Messages-Waiting: perhaps", NULL},
        {"Voice-Message: 1/1\r\nMessages-Waiting: yes\r\n", NULL},
        {"Messages-Waiting: yes\r\nno colon\r\n", NULL},
        {"Messages-Waiting: yes\r\n: x\r\n", NULL},
        {"Messages-Waiting: yes\r\nVoice-Message: 1\x02\r\n", NULL},
        {"Messages-Waiting: yes\r\nA: x\rB: y\r\n", NULL},
    };
    arena_init(&arena, &mem_libc, 1024);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct str text;
        test_context(table[i].body);
        CHECK_INT(read_text(table[i].body, &text), table[i].kept != NULL);
        CHECK_STR(text, table[i].kept);
    }
    test_context(NULL);
    arena_fini(&arena);
}

/** Every prefix is read or refused, and looks no further than it goes. */
static void test_prefixes(void)
{
    static const char body[] = "Messages-Waiting: yes\r\nVoice-Message: 4/8 (1/2)\r\n\r\nx";
    arena_init(&arena, &mem_libc, 1024);
    for (size_t n = 0; n < sizeof(body); n++) {
        struct str guarded = test_guard(str_make(body, n)), text;
        if (mailbox_read(&arena, guarded, &text)) {
            CHECK(str_starts(text, STR("Messages-Waiting: yes\r\n")));
            CHECK(str_ends(text, STR("\r\n")));
        }
        test_guard_free(guarded);
    }
    arena_fini(&arena);
}

static void test_no_memory(void)
{
    struct test_mem mem;
    struct str text;
    test_mem_init(&mem);
    mem.fail_at = 1;
    arena_init(&arena, &mem.mem, 1024);
    CHECK(!mailbox_read(&arena, STR("Messages-Waiting: yes\r\n"), &text));
    CHECK(mailbox_read(&arena, STR("Messages-Waiting: yes\r\n"), &text));
    arena_fini(&arena);
    CHECK_INT(mem.live, 0);
}

TEST_MAIN(T(test_summaries), T(test_prefixes), T(test_no_memory))
