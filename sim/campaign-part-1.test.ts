import { testSeeds } from './campaign.suite.js';

testSeeds(1, 50);
