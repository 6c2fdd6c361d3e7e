import t from 'tap';
import { addressGroup } from './address-group.js';

t.test('an IPv4 address is a source of its own, however it is written', async (t) => {
  t.equal(addressGroup('192.0.2.7'), '192.0.2.7');
  t.equal(addressGroup('::ffff:192.0.2.7'), '192.0.2.7');
  t.equal(addressGroup(''), '');
});

t.test('all of an IPv6 network is one source', async (t) => {
  t.equal(addressGroup('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  t.equal(addressGroup('2001:0DB8:0001:0002::1'), '2001:db8:1:2::/64');
  t.equal(addressGroup('2001:db8::5'), '2001:db8:0:0::/64');
  t.equal(addressGroup('::1'), '0:0:0:0::/64');
  t.equal(addressGroup('fe80::1%eth0'), 'fe80:0:0:0::/64');
  t.not(addressGroup('2001:db8:1:3::1'), addressGroup('2001:db8:1:2::1'));
});
