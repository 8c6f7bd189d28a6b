#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CSTA from JSON to XML and back, by the real server.  test_convert.py BATON GEN_API TABLE"""
import sys
import unittest

from server import Server

BATON = sys.argv[1]
MESSAGE = {'MakeCall': {'callingDevice': {'id': 'sip:1001@example.com'},
                        'calledDirectoryNumber': {'id': '1002'}, 'autoOriginate': 'doNotPrompt',
                        'userData': {'string': '0463617365'}}}


class Convert(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = Server(BATON).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.s.__exit__(None, None, None)

    def test_there_and_back(self):
        xml = self.s.ask('POST', '/v1/csta/xml', MESSAGE)
        self.assertEqual((xml.status, xml.headers['content-type']), (200, 'application/xml'))
        self.assertIn(b'<MakeCall xmlns="http://www.ecma-international.org/standards/ecma-323/csta/ed4"', xml.body)
        self.assertIn(b'<calledDirectoryNumber>1002</calledDirectoryNumber>', xml.body)
        again = self.s.ask('POST', '/v1/csta/json', xml.body, {'Content-Type': 'application/xml'})
        self.assertEqual((again.status, again.json()), (200, MESSAGE))

    def test_long_message(self):
        data = {'SendUserInformation': {'existingCall': {'callID': 'c', 'deviceID': {'id': '1'}},
                                        'userData': {'string': '04' + '41' * 5000}}}
        xml = self.s.ask('POST', '/v1/csta/xml', data)
        self.assertEqual(xml.status, 200)
        self.assertIn(b'41' * 5000, xml.body)

    def test_faults_say_where(self):
        a = self.s.ask('POST', '/v1/csta/xml', {'MakeCall': {'callingDevice': {'id': '1'}, 'autoOriginate': 'maybe'}})
        self.assertEqual((a.status, a.code, a.json()['pointer']), (400, 'invalidMessage', '/MakeCall/autoOriginate'))
        self.assertIn('doNotPrompt', a.json()['detail'])
        for text in ('<MakeCall', '<Nothing/>', '', '<!DOCTYPE a><a/>'):
            a = self.s.ask('POST', '/v1/csta/json', text, {'Content-Type': 'application/xml'})
            self.assertEqual((a.status, a.code), (400, 'invalidMessage'), text)
            self.assertGreater(len(a.json()['detail']), 10)

    def test_token_is_wanted(self):
        self.assertEqual(self.s.ask('POST', '/v1/csta/xml', MESSAGE, face='tcp').status, 401)


unittest.main(argv=sys.argv[:1])
