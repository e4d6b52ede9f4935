"""The keywords of ssh_config(5) that this kit keeps to, and those that do not matter here."""

from __future__ import annotations

__all__ = ["DONE_BY_SSH", "OF_NO_MATTER", "UNDERSTOOD"]

_UNDERSTOOD = """
    addressfamily bindaddress certificatefile challengeresponseauthentication ciphers compression
    connecttimeout globalknownhostsfile hashknownhosts host hostkeyalgorithms hostkeyalias hostname
    identitiesonly identityagent identityfile kbdinteractiveauthentication kexalgorithms macs
    numberofpasswordprompts passwordauthentication port preferredauthentications proxycommand
    proxyjump proxyusefdpass pubkeyauthentication revokedhostkeys sendenv serveralivecountmax
    serveraliveinterval setenv stricthostkeychecking tcpkeepalive user userknownhostsfile
"""
_OF_NO_MATTER = """
    addkeystoagent batchmode checkhostip clearallforwardings controlmaster controlpath
    controlpersist dynamicforward enableescapecommandline enablesshkeysign escapechar
    exitonforwardfailure fingerprinthash forkafterauthentication forwardx11 forwardx11timeout
    forwardx11trusted gatewayports ignoreunknown ipqos localcommand localforward loglevel logverbose
    nohostauthenticationforlocalhost permitlocalcommand permitremoteopen remotecommand
    remoteforward requesttty sessiontype stdinnull streamlocalbindmask streamlocalbindunlink
    syslogfacility tag tunnel tunneldevice updatehostkeys usekeychain visualhostkey xauthlocation
"""
_DONE_BY_SSH = """
    canonicaldomains canonicalizefallbacklocal canonicalizehostname canonicalizemaxdots
    canonicalizepermittedcnames
"""

UNDERSTOOD = frozenset(_UNDERSTOOD.split())
"""What a transport keeps to that goes by :class:`~sshpyk_core.host_settings.HostSettings`."""

OF_NO_MATTER = frozenset(_OF_NO_MATTER.split())
"""What does not matter to kernels, or is about ssh's own doings."""

DONE_BY_SSH = frozenset(_DONE_BY_SSH.split())
"""What ssh has already taken into account when it prints the settings of a host."""
