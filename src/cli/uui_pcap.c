/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files, read with libpcap: see uui_pcap.h. */
#include "cli/uui_pcap.h"

#include "base/err.h"
#include <pcap/pcap.h>

_Static_assert(PCAP_ERRBUF_SIZE <= 256, "room for the reason");

bool uui_pcap_is(const unsigned char head[4])
{
    static const unsigned char magic[][4] = {
        {0xA1, 0xB2, 0xC3, 0xD4}, {0xD4, 0xC3, 0xB2, 0xA1}, /* microseconds */
        {0xA1, 0xB2, 0x3C, 0x4D}, {0x4D, 0x3C, 0xB2, 0xA1}, /* nanoseconds */
        {0x0A, 0x0D, 0x0D, 0x0A},                           /* pcapng */
    };
    for (size_t i = 0; i < ARRAY_LEN(magic); i++) {
        if (memcmp(head, magic[i], 4) == 0) {
            return true;
        }
    }
    return false;
}

static int read_all(pcap_t *p, int link, struct frames *f, struct uui_pcap_at *at, char *why)
{
    struct pcap_pkthdr *head;
    const u_char *bytes;
    int got;
    while ((got = pcap_next_ex(p, &head, &bytes)) == 1) {
        at->packet++;
        at->time_us = (int64_t)head->ts.tv_sec * 1000000 + head->ts.tv_usec;
        int err = frames_input(f, link, str_make((const char *)bytes, head->caplen));
        if (err != 0) {
            return err;
        }
    }
    if (got == PCAP_ERROR) {
        (void)snprintf(why, 256, "%s", pcap_geterr(p));
        return E_SYNTAX;
    }
    return 0;
}

int uui_pcap_read(FILE *in, struct frames *f, struct uui_pcap_at *at, char *why)
{
    pcap_t *p = pcap_fopen_offline(in, why);
    *at = (struct uui_pcap_at){0};
    if (p == NULL) {
        fclose(in);
        return E_SYNTAX;
    }
    int link = pcap_datalink(p);
    int err = E_SYNTAX;
    if (frame_link_known(link)) {
        err = read_all(p, link, f, at, why);
    } else {
        const char *name = pcap_datalink_val_to_name(link);
        (void)snprintf(why, 256, "link type %s (%d) is not known",
                       name != NULL ? name : "without a name", link);
    }
    pcap_close(p);
    return err;
}
