/* SPDX-License-Identifier: Apache-2.0 */
/* User-to-User lines of an indexed message. The lines are cut by this module and not by
   sip_msg_each, so that an empty element keeps its place and gets its verdict. */
#include "uui/message.h"
#include "base/err.h"

int uui_list_of_msg(const struct sip_msg *m, const struct uui_packages *known, struct arena *a,
                    struct uui_list *out)
{
    struct str lines[UUI_VALUES_MAX];
    size_t n = 0;
    *out = (struct uui_list){0};
    for (const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_USER_TO_USER); h;
         h = sip_msg_next_line(m, h)) {
        if (n == UUI_VALUES_MAX) {
            return E_TOOMANY;
        }
        lines[n++] = sip_hdr_value(m, h);
    }
    return uui_list_parse(lines, n, known, a, out);
}

struct str uui_of_msg(struct arena *a, const struct sip_msg *m)
{
    const struct sip_hdr *h = m == NULL ? NULL : sip_msg_line(m, SIP_HDR_USER_TO_USER);
    struct str all = h == NULL ? STR_NONE : sip_hdr_value(m, h);
    while (h != NULL && (h = sip_msg_next_line(m, h)) != NULL) {
        struct str part[] = {all, STR(", "), sip_hdr_value(m, h)};
        all = arena_join(a, part, ARRAY_LEN(part));
    }
    return all;
}
