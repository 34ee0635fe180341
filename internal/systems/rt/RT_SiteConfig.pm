# An RT on loopback. Its folder, ports and mail server are in the environment.
my $dir = $ENV{FIRSTHAND_RT_DIR};
Set($rtname, 'vendor.test');
Set($Organization, 'vendor.test');
Set($CorrespondAddress, 'care@vendor.test');
Set($CommentAddress, 'care-comment@vendor.test');
Set($WebDomain, '127.0.0.1');
Set($WebPort, $ENV{FIRSTHAND_RT_PORT});
Set($WebPath, '');
Set($WebBaseURL, "http://127.0.0.1:$ENV{FIRSTHAND_RT_PORT}");
Set($WebURL, "http://127.0.0.1:$ENV{FIRSTHAND_RT_PORT}/");
Set($DatabaseType, 'SQLite');
Set($DatabaseName, "$dir/rt5.sqlite");
Set($MasonDataDir, "$dir/mason");
Set($MasonSessionDir, "$dir/session");
Set($WebSessionClass, 'Apache::Session::File');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
Set($LogToFile, undef);
Set($MailCommand, 'sendmailpipe');
Set($SendmailPath, "$dir/sendmail");
Set($SendmailArguments, '-t');
Set($SendmailBounceArguments, '-t');
Set($ParseNewMessageForTicketCcs, 0);
Set($Timezone, 'UTC');
# What an employee sees of a customer at a glance.
Set($UserSummaryExtraInfo, 'RealName, Name, EmailAddress, MobilePhone, Address1, Address2, Zip, City, Country');
# Each call proves its token by bcrypt: 0.3 s at the usual cost of 12, and there is
# nothing to guess here.
Set($BcryptCost, 4);
1;
