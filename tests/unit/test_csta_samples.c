/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of real systems, and one of each kind that was made for the collection.
 *
 * Those that were made are in the form in which Baton writes, so they come out of the encoder
 * octet by octet. The captured ones have to be read, or refused for the known reason, and what
 * is written of them has to read back the same.
 */
#include "csta/csta.h"
#include "test.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/* Samples that are not read, by the end of their path. Templates have {holes} for values. */
static const struct {
    const char *name;
    int err;
    const char *element;
} refused[] = {
    {"ClearConnection.xml", E_VALUE, "reason"},
    {"ConnectionClearedEvent.xml", E_VALUE, "localConnectionInfo"},
    {"DeliveredEvent.xml", E_VALUE, "localConnectionInfo"},
    {"templates/EstablishedEvent.xml", E_VALUE, "localConnectionInfo"},
    {"OriginatedEvent.xml", E_VALUE, "localConnectionInfo"},
    {"templates/ServiceInitiatedEvent.xml", E_VALUE, "localConnectionInfo"},
    {"openscape-pool/SystemStatus.xml", E_VALUE, "systemStatus"},
    {"templates/SystemStatus.xml", E_VALUE, "systemStatus"},
    {"shoretel_HookSwitchStatus.xml", E_UNSUPPORTED, ""},
    {"SetDisplay.xml", E_UNSUPPORTED, ""},
    {"ApplicationSession.xml", E_UNSUPPORTED, ""},
    {"ApplicationSessionNegResponse.xml", E_UNSUPPORTED, ""},
    {"ApplicationSessionPosResponse.xml", E_UNSUPPORTED, ""},
    {"ApplicationSessionTimer.xml", E_UNSUPPORTED, ""},
};

static bool is_template(const char *path)
{
    return strstr(path, "openscape-pool/") != NULL || strstr(path, "/templates/") != NULL;
}

static int expected(const char *path, const char **element)
{
    *element = "";
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const char *name = refused[i].name;
        bool hole = refused[i].err == E_VALUE;
        if (str_ends(str_c(path), str_c(name)) && (!hole || is_template(path))) {
            *element = refused[i].element;
            return refused[i].err;
        }
    }
    return 0;
}

static char first[1 << 17], second[1 << 17];

static struct str encode(const struct csta_msg *msg, char *buf)
{
    struct out o;
    out_init(&o, buf, sizeof(first));
    CHECK_INT(csta_encode(msg, msg->edition, &o), 0);
    return out_str_of(&o);
}

static void check_sample(const char *path)
{
    struct arena a;
    struct csta_msg msg;
    struct csta_fault fault = {0};
    const char *element;
    struct str file = test_read_file(path);
    REQUIRE(file.p != NULL);
    struct str xml = test_guard(file);
    test_context(path);
    arena_init(&a, &mem_libc, 4096);
    int want = expected(path, &element);
    int err = csta_decode(xml, NULL, &a, &msg, &fault);
    CHECK_INT(err, want);
    if (err) {
        CHECK_STR(fault.element, element);
    } else {
        struct str once = encode(&msg, first);
        if (strstr(path, "/constructed/") != NULL) {
            CHECK_BYTES(once, str_trim(xml));
        }
        REQUIRE(csta_decode(once, NULL, &a, &msg, &fault) == 0);
        CHECK_BYTES(encode(&msg, second), once);
    }
    arena_fini(&a);
    test_context(NULL);
    test_guard_free(xml);
    free((void *)(uintptr_t)file.p);
}

static unsigned check_folder(const char *folder)
{
    unsigned n = 0;
    struct dirent *entry;
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return 0;
    }
    while ((entry = readdir(dir)) != NULL) {
        char path[1024];
        int len = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || len < 0 || (size_t)len >= sizeof(path)) {
            continue;
        }
        if (str_ends(str_c(path), STR(".xml"))) {
            check_sample(path);
            n++;
        } else {
            n += check_folder(path);
        }
    }
    closedir(dir);
    return n;
}

static void test_samples(void)
{
    const char *dir = test_data_dir("csta");
    if (dir != NULL) {
        CHECK(check_folder(dir) > 100);
    }
}

TEST_MAIN(T(test_samples))
