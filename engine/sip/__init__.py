"""SIP and SDP, pure: bytes and ``now`` in; bytes, deadlines and events out. No socket, clock, file or chance.

grammar      quoted strings, comments, lists: what every header is made of
uri          sip:, sips:, tel: and any other URI             imports grammar
message      requests and responses, headers, bodies          imports grammar, uri
sdp_text     RFC 8866: the text of a session description
sdp          RFC 3264: offer and answer                       imports sdp_text
reasons      status codes in plain words, exit codes
events       what the endpoint tells the phone                imports message, sdp
transaction  RFC 3261 s17, RFC 6026: the four machines        imports message
replies      s8.2.6, s18.2: where from, what with, where to   imports message, reasons
endpoint     transactions, the way out, one clock             imports events, replies, transaction
dialog       s12: tags, CSeq, route set                       imports message
negotiation  the offers and answers of one call               imports sdp
session      s12, s14, s15: one call from the dialog on       imports all of the above
caller       s9.1, s13.2: a call we make                      imports session
callee       s9.2, s13.3: a call that comes in                imports session
screening    s8.2: what is wrong with a request               imports message, replies, sdp
agent        the whole user agent                             imports all of the above
"""
