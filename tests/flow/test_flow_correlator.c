/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AssociateData: correlatorData of a call that stands, told in CallInformation and kept through
 * transfers.
 */
#include "trio.h"

static void answer(struct ask *q, const char *want)
{
    world_run(&w, 500);
    CHECK_INT(q->answers, 1);
    CHECK_STR(str_c(q->text), want);
}

static struct ask *on(const char *service, const char *element, const char *device,
                      const char *more)
{
    return app_on_connection(&w.crm, service, element, "c1", device, more);
}

static struct ask *associate(const char *device, const char *more)
{
    return on("AssociateData", "existingCall", device, more);
}

static void test_survives_a_transfer(void)
{
    trio_up();
    trio_talk(ann, bob);
    answer(associate("1002", "<correlatorData><string>4142</string></correlatorData>"),
           "AssociateDataResponse");
    EVENTS(a, "CallInformation c1:1002 corr=AB");
    EVENTS(b, "CallInformation c1:1002 corr=AB");
    EVENTS(c, "");
    app_forget(&w.crm);
    (void)on("SingleStepTransferCall", "activeCall", "1002",
             "<transferredTo>1003</transferredTo>");
    world_run(&w, 500);
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 500);
    CHECK(phone_talks(ann) && phone_talks(cleo));
    CHECK(strstr(app_events(&w.crm, c), "corr=AB") != NULL);
    app_forget(&w.crm);
    answer(associate("1003", "<correlatorData><string></string></correlatorData>"),
           "AssociateDataResponse");
    EVENTS(a, "CallInformation c1:1003");
    EVENTS(c, "CallInformation c1:1003");
    world_down(&w);
}

static void test_while_it_rings(void)
{
    trio_up();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 200);
    app_forget(&w.crm);
    answer(associate("1001", "<correlatorData><string>4142</string></correlatorData>"),
           "AssociateDataResponse");
    EVENTS(b, "CallInformation c1:1001 corr=AB");
    app_forget(&w.crm);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 200);
    EVENTS(b, "Established c1:1002 connected newCall 1001>1002 corr=AB");
    world_down(&w);
}

static void test_refused(void)
{
    char hex[2 * CALL_CORRELATOR_MAX + 64] = "<correlatorData><string>";
    trio_up();
    trio_talk(ann, bob);
    answer(associate("1002", ""), "operation/atLeastOneConditionalParameterNotProvided");
    answer(associate("1002", "<accountCode>41</accountCode>"),
           "operation/accountCodeNotSupported");
    answer(associate("1002", "<authCode>41</authCode>"),
           "operation/authorisationCodeNotSupported");
    answer(associate("1003", "<correlatorData><string>41</string></correlatorData>"),
           "operation/invalidConnectionID");
    for (unsigned i = 0; i <= CALL_CORRELATOR_MAX; i++) {
        strcat(hex, "41");
    }
    strcat(hex, "</string></correlatorData>");
    answer(associate("1002", hex), "operation/correlatorDataOutOfRange");
    EVENTS(NULL, "");
    world_down(&w);
}

TEST_MAIN(T(test_survives_a_transfer), T(test_while_it_rings), T(test_refused))
