"""What any venue must do, as one suite that takes an adapter and its loopback venue.

    pytest --pyargs adapters.conformance --venue NAME
    tapeline conformance NAME

A venue is found by its name, as everywhere; its package has a module `conformance` that says what the suite must know of it
(`subject.py`). Orders and faults go over real sockets against the loopback venue; frames that it sent are told again, and
told wrong, to the adapter's protocol objects. Needs pytest and nothing else beside.
"""
