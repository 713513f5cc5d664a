"""Dispatch: a message goes out at most once, through the gate, and what became of it is known or visibly not.

The send protocol of trust 3.2: ``claiming`` (T2), ``handing`` (T3), ``calling``, ``recording`` (T4), then ``sweeping``,
``reconciling`` and ``ledgers``. ``by_hand`` and ``exits`` are for people.
"""
