"""SIP and SDP, pure: bytes and ``now`` in; bytes, deadlines and events out. No socket, clock, file or chance.

    grammar      quoted strings, comments, lists: what every header is made of
    uri          sip:, sips:, tel: and any other URI             imports grammar
    message      requests and responses, headers, bodies          imports grammar, uri
    sdp_text     RFC 8866: the text of a session description
    sdp          RFC 3264: offer and answer                       imports sdp_text
    events       what the endpoint tells the phone                imports message, sdp
    reasons      status codes in plain words, exit codes
    transaction  RFC 3261 s17, RFC 6026: the four machines        imports message
    dialog       RFC 3261 s12: tags, CSeq, route set              imports message
    requests     how each request and answer is put together      imports dialog, message
    session      RFC 3261 s13 to s15: one call                    imports all of the above
    screening    what is wrong with a request, and its answer     imports message
    agent        the whole endpoint                               imports all of the above
"""
