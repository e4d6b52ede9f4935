"""``sshpyk config``: a suggested entry of the ssh config for one host.

============= ====================================================================
command       the command line
errors        what is wrong with an ssh config file
wanted        what the flags say, checked
suggestion    which settings are worth adding, and which are left alone
control_path  a path for shared connections that is short enough
placing       the entry put into the text of the file, at the right place
proposal      all of it: asked of ssh what holds now, and what would
writing       the file replaced, a copy kept
show          for people
============= ====================================================================
"""
