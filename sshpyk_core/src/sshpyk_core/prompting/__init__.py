"""Whom to ask for what only a person knows, and what may be answered without asking.

:class:`~sshpyk_core.prompting.login.Login` is the prompter that a transport is given; the other
modules are what it is made of.
"""
