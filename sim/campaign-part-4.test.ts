import { testSeeds } from './campaign.suite.js';

testSeeds(151, 200);
